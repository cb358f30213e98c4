// A Function as it is reconciled here: its source is a folder of this machine, its revision what is in there.
import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import type { FunctionResource } from '@ofn/resources';
import type { Source } from '../build/source.ts';

// Checksums of what a Function does not say itself, or of what its build would have: others are another serving.
const CHECKSUMS = {
  variables: 'checksum/env',
  components: 'checksum/components',
  build: 'checksum/build-env',
  plugins: 'checksum/plugins',
} as const;
// Code that has not started by then will not, unless its Function says otherwise.
const START_TIMEOUT = '1m';

/** What is found in the folder of a function. */
export interface Found {
  /** Of the files. */
  readonly revision: string;
  /** Of the files of its plugins, which are no part of a build; `undefined` without any. */
  readonly plugins: string | undefined;
  /** Of its `.env` file. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Makes it. */
export function toLocalFunction(
  { components, folder, function: given }: Source,
  { plugins, revision, variables }: Found,
): FunctionResource {
  const { metadata, spec } = given;
  const { build, serving } = spec;
  const checksums = toChecksums({
    variables: Object.entries(variables),
    components,
    build: Object.entries(build?.env ?? {}),
    plugins: plugins === undefined ? [] : [plugins],
  });
  const annotations =
    Object.keys(checksums).length === 0
      ? serving?.annotations
      : { ...serving?.annotations, ...checksums };
  return {
    ...given,
    metadata: { ...metadata, namespace: metadata.namespace ?? 'default' },
    spec: {
      ...spec,
      build: { ...build, srcRepo: { url: pathToFileURL(folder).href, revision } },
      ...(serving === undefined
        ? {}
        : {
            serving: {
              timeout: START_TIMEOUT,
              ...serving,
              ...(annotations === undefined ? {} : { annotations }),
            },
          }),
    },
  };
}

function toChecksums(
  parts: Readonly<Record<keyof typeof CHECKSUMS, readonly unknown[]>>,
): Readonly<Record<string, string>> {
  const names = Object.keys(CHECKSUMS) as (keyof typeof CHECKSUMS)[];
  return Object.fromEntries(
    names
      .filter((name) => parts[name].length > 0)
      .map((name) => [CHECKSUMS[name], checksumOf(parts[name])]),
  );
}

function checksumOf(part: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(part)).digest('hex').slice(0, 12);
}
