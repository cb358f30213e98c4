// A Function as it is reconciled here: its source is a folder of this machine, its revision what is in there.
import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import type { FunctionResource } from '@ofn/resources';
import type { Source } from '../build/source.ts';

/** Checksum of the variables of `.env`: others are another serving. */
const ENVIRONMENT = 'checksum/env';
// Code that has not started by then will not, unless its Function says otherwise.
const START_TIMEOUT = '1m';

/**
 * Makes it.
 *
 * @param revision Of the files in its folder.
 * @param variables Of its `.env` file.
 */
export function toLocalFunction(
  { folder, function: given }: Source,
  revision: string,
  variables: Readonly<Record<string, string>>,
): FunctionResource {
  const { metadata, spec } = given;
  const { build, serving } = spec;
  const checksum = checksumOf(variables);
  const annotations =
    checksum === undefined
      ? serving?.annotations
      : { ...serving?.annotations, [ENVIRONMENT]: checksum };
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

function checksumOf(variables: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(variables);
  if (entries.length === 0) return undefined;
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 12);
}
