// YAML or JSON becomes scaling objects, and what they refer to; one text may hold several documents.
import { LineCounter, isNode, parseAllDocuments, type Document } from 'yaml';
import { KedaError, type KedaIssue } from '../errors.ts';
import {
  namespaceOf,
  type Referents,
  type ReplyBodies,
  type ScalingObject,
  type ServicePorts,
} from './objects.ts';
import { ConfigMapSchema, ServiceSchema, schemaOf } from './schemas.ts';
import { check, renderPath, type Checked } from './validate.ts';

/** What a text, or several files, had in them. */
export interface ParsedObjects extends Required<Referents> {
  readonly objects: readonly ScalingObject[];
  /** Objects of other kinds, such as a Deployment, as `kind name`. */
  readonly ignored: readonly string[];
}

type Path = readonly (string | number)[];
type Fields = Readonly<Record<string, unknown>>;

/**
 * Parses YAML or JSON. Lists, as `kubectl get -o yaml` prints them, are taken apart. Services give the names
 * and protocols of their ports, ConfigMaps with the add-on's label the bodies of replies.
 *
 * @param file What errors call the text.
 * @throws KedaError `OFN_KEDA_OBJECT_INVALID`, naming file, line, object and field of all that is wrong.
 */
export function parseObjects(text: string, file = 'the text'): ParsedObjects {
  const lines = new LineCounter();
  const objects: ScalingObject[] = [];
  const services: ServicePorts[] = [];
  const replyBodies: ReplyBodies[] = [];
  const ignored: string[] = [];
  const issues: KedaIssue[] = [];
  const said: string[] = [];

  function note(at: string, what: string, field: string, message: string): void {
    issues.push({ field, message, at });
    said.push(`${at}: ${what}: ${field === '' ? '' : `${field} `}${message}`);
  }

  function take(document: Document, value: unknown, path: Path, ordinal: string): void {
    if (!isFields(value)) {
      note(lineOf(document, path), ordinal, '', 'must be an object');
      return;
    }
    const { items, kind } = value;
    if (typeof kind !== 'string') {
      note(lineOf(document, path), ordinal, 'kind', 'is missing');
      return;
    }
    if (kind.endsWith('List') && Array.isArray(items)) {
      for (const [index, item] of items.entries()) {
        take(document, item, [...path, 'items', index], ordinal);
      }
      return;
    }
    const name = nameOf(value);
    const what = ordinal === '' ? `${kind} ${name}` : `${ordinal}, ${kind} ${name}`;
    const keep = <Output>(checked: Checked<Output>, store: (output: Output) => void): void => {
      if (checked.issues === undefined) store(checked.output);
      else {
        for (const issue of checked.issues) {
          const at = lineOf(document, [...path, ...issue.path]);
          note(at, what, renderPath(issue.path), issue.message);
        }
      }
    };
    const schema = schemaOf(value);
    if (schema !== undefined) keep(check(schema, value), (object) => objects.push(object));
    else if (value['apiVersion'] === 'v1' && kind === 'Service') {
      keep(check(ServiceSchema, value), (service) => {
        const { name } = service.metadata;
        services.push({ namespace: namespaceOf(service), name, ports: service.spec.ports });
      });
    } else if (value['apiVersion'] === 'v1' && kind === 'ConfigMap' && hasBodies(value)) {
      keep(check(ConfigMapSchema, value), (map) => {
        const { name } = map.metadata;
        replyBodies.push({ namespace: namespaceOf(map), name, data: map.data });
      });
    } else ignored.push(`${kind} ${name}`);
  }

  // The line of a field; that of what surrounds it when it is not there.
  function lineOf(document: Document, path: Path): string {
    for (let length = path.length; length >= 0; length -= 1) {
      const node = length === 0 ? document.contents : nodeAt(document, path.slice(0, length));
      if (isNode(node) && node.range) return `${file}:${lines.linePos(node.range[0]).line}`;
    }
    return file;
  }

  const documents = parseAllDocuments(text, { lineCounter: lines, logLevel: 'error' });
  const isOne = documents.length < 2;
  for (const [index, document] of documents.entries()) {
    const [error] = document.errors;
    if (error !== undefined) {
      const { col, line } = lines.linePos(error.pos[0]);
      const message = `${file}:${line}:${col} is not valid YAML: ${error.message.split('\n', 1)[0]}`;
      throw new KedaError('OFN_KEDA_OBJECT_INVALID', message, { cause: error });
    }
    const value = withoutNulls(toValue(document, file));
    if (value === undefined) continue;
    take(document, value, [], isOne ? '' : `document ${index + 1}`);
  }
  if (issues.length > 0) {
    throw new KedaError('OFN_KEDA_OBJECT_INVALID', said.join('\n'), { issues });
  }
  return { objects, services, replyBodies, ignored };
}

function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    // Such as an alias of what is not there.
    const message = `${file} is not valid YAML: ${(cause as Error).message}`;
    throw new KedaError('OFN_KEDA_OBJECT_INVALID', message, { cause });
  }
}

function nodeAt(document: Document, path: Path): unknown {
  try {
    return document.getIn(path, true);
  } catch {
    // Part of the path is an alias, or no collection.
    return undefined;
  }
}

// Kubernetes takes a field that is null as one that is not there.
function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map((item: unknown) => withoutNulls(item) ?? null);
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      item === null ? [] : [[key, withoutNulls(item)]],
    ),
  );
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf({ metadata }: Fields): string {
  return JSON.stringify(isFields(metadata) ? (metadata['name'] ?? '') : '');
}

// The label without which the add-on does not see a ConfigMap.
function hasBodies({ metadata }: Fields): boolean {
  const labels = isFields(metadata) ? metadata['labels'] : undefined;
  return isFields(labels) && labels['http.keda.sh/response-body'] === 'true';
}
