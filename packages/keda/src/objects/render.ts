// Objects become YAML, the same for the same objects, whoever made them.
import { Document, visit } from 'yaml';
import type { KubernetesObject } from './objects.ts';

/**
 * Renders objects, one document each. Fields are in alphabetical order, after what names the object.
 *
 * @example
 * renderObjects([toHttpScaledObject({ name: 'shop', hosts: ['shop.example.com'] }, { addOn: '0.5' })]);
 */
export function renderObjects(objects: readonly KubernetesObject[]): string {
  return objects.map(renderObject).join('---\n');
}

function renderObject(object: KubernetesObject): string {
  const document = new Document(object, {
    sortMapEntries: compareKeys,
    aliasDuplicateObjects: false,
  });
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === 'string' && !isPlain(scalar.value)) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0 });
}

const FIRST = ['apiVersion', 'kind', 'metadata', 'spec', 'name', 'namespace'];

function compareKeys(left: { readonly key: unknown }, right: { readonly key: unknown }): number {
  const [one, other] = [keyOf(left.key), keyOf(right.key)];
  const [first, second] = [FIRST.indexOf(one), FIRST.indexOf(other)];
  if (first !== -1 || second !== -1) {
    return (first === -1 ? FIRST.length : first) - (second === -1 ? FIRST.length : second);
  }
  return one < other ? -1 : 1;
}

function keyOf(key: unknown): string {
  return String((key as { readonly value?: unknown } | null)?.value ?? key);
}

// What every reader of YAML, 1.1 or 1.2, takes for a text without quotes: one that starts with a letter
// or a slash, has nothing in it that YAML knows, and is no word of YAML 1.1. Kubernetes reads that.
const PLAIN = /^[a-z/][\w./-]*$/i;
const WORDS = /^(?:y|n|yes|no|on|off|true|false|null|e[-+]?\d+)$/i;

function isPlain(text: string): boolean {
  return PLAIN.test(text) && !WORDS.test(text);
}
