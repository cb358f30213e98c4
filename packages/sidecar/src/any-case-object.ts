// A schema of JSON objects that reads names as Go does: in any letter case.
import * as v from 'valibot';

/**
 * The schema of an object with these entries, whose names may have any letter case: the JavaScript
 * SDK sends `entryID` where the API says `entryId`, and daprd takes it.
 */
export function anyCaseObject<const E extends v.ObjectEntries>(entries: E) {
  const names = new Map(Object.keys(entries).map((name) => [name.toLowerCase(), name]));
  return v.pipe(
    // Not a record: valibot takes an array for one, and drops some names.
    v.custom<object>(
      (given) => typeof given === 'object' && given !== null && !Array.isArray(given),
      'Invalid type: Expected Object',
    ),
    v.transform((given) => {
      const known: Record<string, unknown> = {};
      for (const [name, value] of Object.entries(given)) {
        const exact = names.get(name.toLowerCase());
        if (exact !== undefined && (exact === name || !(exact in known))) known[exact] = value;
      }
      return known;
    }),
    v.object(entries),
  );
}
