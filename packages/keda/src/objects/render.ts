// Scaling objects become YAML, the same for the same objects, whoever made them.
import { Document, visit } from 'yaml';
import type { ScalingObject } from './objects.ts';

/**
 * Renders objects, one document each. Fields are in alphabetical order, after what names the object.
 *
 * @example
 * renderObjects([toHttpScaledObject({ name: 'shop', hosts: ['shop.example.com'] }, { addOn: '0.5' })]);
 */
export function renderObjects(objects: readonly ScalingObject[]): string {
  return objects.map(renderObject).join('---\n');
}

function renderObject(object: ScalingObject): string {
  const document = new Document(object, {
    sortMapEntries: compareKeys,
    aliasDuplicateObjects: false,
  });
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value !== 'string') return;
      if (scalar.value.includes('\r')) scalar.type = 'QUOTE_DOUBLE';
      else if (isAmbiguous(scalar.value)) scalar.type = 'QUOTE_SINGLE';
    },
  });
  return document.toString({ lineWidth: 0, singleQuote: true });
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

// Kubernetes reads YAML 1.1, where more words than in 1.2 are no texts.
const WORDS = /^(?:y|n|yes|no|on|off|true|false|null|~|[-+]?\.(?:inf|nan))$/i;
const NUMBERS = /^[-+]?\.?\d[\d_,.:a-fox+-]*$/i;
// A float without digits before its point or exponent: not by the specification, but by readers of it.
const POINTS = /^[-+]?(?:\.[\d_]*|(?:\.[\d_]*)?e[-+]?\d+)$/i;

function isAmbiguous(text: string): boolean {
  return WORDS.test(text) || NUMBERS.test(text) || POINTS.test(text);
}
