// JSON, byte by byte as Go's controller writes it.

/** What is written: objects in the order of their fields, as structs; Maps by their keys, as maps. */
export type GoValue =
  | string
  | number
  | boolean
  | null
  | readonly GoValue[]
  | ReadonlyMap<string, GoValue>
  | { readonly [field: string]: GoValue | undefined };

/**
 * Renders a value. Fields that are `undefined` are left out; `<`, `>`, `&`, U+2028 and U+2029 are escaped.
 *
 * @example
 * renderGoJson({ name: 'a<b', tags: new Map([['b', '2'], ['a', '1']]) });
 */
export function renderGoJson(value: GoValue): string {
  if (typeof value === 'string') return renderText(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(renderGoJson).join(',')}]`;
  if (value instanceof Map) {
    const sorted = [...(value as ReadonlyMap<string, GoValue>)].toSorted(([one], [other]) =>
      compareTexts(one, other),
    );
    return renderFields(sorted);
  }
  return renderFields(Object.entries(value as { readonly [field: string]: GoValue | undefined }));
}

function isList(value: object): value is readonly GoValue[] {
  return Array.isArray(value);
}

function renderFields(fields: readonly (readonly [string, GoValue | undefined])[]): string {
  const parts = fields.flatMap(([name, value]) =>
    value === undefined ? [] : [`${renderText(name)}:${renderGoJson(value)}`],
  );
  return `{${parts.join(',')}}`;
}

const SHORT: Readonly<Record<string, string>> = {
  '\\b': String.raw`\u0008`,
  '\\f': String.raw`\u000c`,
};

function renderText(text: string): string {
  return JSON.stringify(text)
    .replaceAll(/\\(?:u[0-9a-f]{4}|.)/g, (escape) => {
      // Half of a surrogate pair is no text; Go writes the replacement character.
      if (/^\\ud[89a-f]/.test(escape)) return String.raw`\ufffd`;
      return SHORT[escape] ?? escape;
    })
    .replaceAll(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}

/** The order of texts in Go: by their bytes, which is that of their code points. */
export function compareTexts(one: string, other: string): number {
  const [left, right] = [codePoints(one), codePoints(other)];
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function codePoints(text: string): readonly number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

/** A map in that order. */
export function sortedEntries<Value>(
  map: Readonly<Record<string, Value>> = {},
): readonly (readonly [string, Value])[] {
  return Object.entries(map).toSorted(([one], [other]) => compareTexts(one, other));
}

/** A map of Go's; `undefined` for an empty one, which Go leaves out. */
export function goMap(map: Readonly<Record<string, string>> | undefined) {
  const entries = Object.entries(map ?? {});
  return entries.length === 0 ? undefined : new Map<string, GoValue>(entries);
}

/** A text; `undefined` for an empty one, which Go leaves out. */
export function goText(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** A list; `undefined` for an empty one, which Go leaves out. */
export function goList<Item extends GoValue>(
  list: readonly Item[] | undefined,
): readonly Item[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}
