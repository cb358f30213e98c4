// YAML or JSON becomes documents: their values, and where in the text each field is.
import { LineCounter, isMap, isNode, isScalar, parseAllDocuments, type Document } from 'yaml';
import { ResourceError } from '../errors.ts';
import type { Path } from './check.ts';

/** Where something is in a text; both from 1. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** One document of a text. */
export interface YamlDocument {
  /** Without fields that are null, which Kubernetes takes as absent. */
  readonly value: unknown;
  /** Where a field is; what surrounds it when it is not there. */
  positionOf(path: Path, isKey?: boolean): Position;
}

/**
 * Parses a text of any number of documents; empty ones are left out.
 *
 * @throws ResourceError `OFN_RESOURCE_UNREADABLE`, with the position.
 */
export function parseYaml(text: string, file: string): readonly YamlDocument[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, logLevel: 'error' });
  return documents.flatMap((document): YamlDocument[] => {
    const [error] = document.errors;
    if (error !== undefined) {
      const { col, line } = lines.linePos(error.pos[0]);
      const reason = error.message.split('\n', 1)[0]?.replace(/ at line.*$/, '') ?? '';
      throw unreadable(`${file}:${line}:${col}`, reason, error);
    }
    const value = withoutNulls(toValue(document, file));
    if (value === undefined) return [];
    return [{ value, positionOf: (path, isKey) => positionOf(document, lines, path, isKey) }];
  });
}

function unreadable(at: string, reason: string, cause: unknown): ResourceError {
  const issues = [{ field: '', message: reason, at }];
  return new ResourceError('OFN_RESOURCE_UNREADABLE', `${at} is not valid YAML: ${reason}`, {
    cause,
    issues,
  });
}

function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    // Such as an alias of what is not there.
    throw unreadable(file, (cause as Error).message, cause);
  }
}

function positionOf(document: Document, lines: LineCounter, path: Path, isKey = false): Position {
  for (let length = path.length; length >= 0; length -= 1) {
    const node =
      isKey && length === path.length
        ? keyAt(document, path)
        : nodeAt(document, path.slice(0, length));
    if (!isNode(node) || !node.range) continue;
    const { col, line } = lines.linePos(node.range[0]);
    return { line, column: col };
  }
  return { line: 1, column: 1 };
}

function keyAt(document: Document, path: Path): unknown {
  const parent = nodeAt(document, path.slice(0, -1));
  if (!isMap(parent)) return undefined;
  const name = String(path.at(-1));
  return parent.items.find(({ key }) => isScalar(key) && String(key.value) === name)?.key;
}

function nodeAt(document: Document, path: Path): unknown {
  if (path.length === 0) return document.contents;
  try {
    return document.getIn(path, true);
  } catch {
    // Part of the path is an alias, or no collection.
    return undefined;
  }
}

function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map((item: unknown) => withoutNulls(item) ?? null);
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]: [string, unknown]) =>
      item === null ? [] : [[key, withoutNulls(item)]],
    ),
  );
}
