// The functions of the conformance checks: each writes what it was given to a file in its working
// directory, once as exports that `--target` picks and once as registrations.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '@ofn-test/system/start-function';

const OUTPUT = 'function_output.json';

/** The files of the functions. */
export const FILES = {
  'exported.mjs': `
    import { writeFileSync } from 'node:fs';
    const write = (value) => writeFileSync('${OUTPUT}', JSON.stringify(value));

    export function writeHttp(req, res) {
      write(req.body);
      res.sendStatus(200);
    }
    export function writeCloudEvent(event) {
      write(event);
    }
    export function writeLegacyEvent(data, { eventId, timestamp, eventType, resource }) {
      write({ data, context: { eventId, timestamp, eventType, resource } });
    }
  `,
  'registered.mjs': `
    import { cloudEvent, event, http } from '@ofn/core';
    import { writeCloudEvent, writeHttp, writeLegacyEvent } from './exported.mjs';

    http('registeredHttp', writeHttp);
    cloudEvent('registeredCloudEvent', writeCloudEvent);
    event('registeredLegacyEvent', writeLegacyEvent);
  `,
};

/** What a function has written; it is removed, so that no later check reads it again. */
export function takeOutput({ folder }: Command): unknown {
  const path = join(folder, OUTPUT);
  const output: unknown = JSON.parse(readFileSync(path, 'utf8'));
  rmSync(path);
  return output;
}
