// The matrix and the round trips behind a real daprd, where there is one.
import { execFileSync } from 'node:child_process';
import { describe } from 'vitest';
import { DAPRD, startDaprd } from './daprd.ts';
import { describeMatrix } from './matrix.ts';
import { describeRoundTrips } from './round-trip.ts';

const VERSION = DAPRD === undefined ? undefined : versionOf(DAPRD);
const NAME =
  VERSION === undefined
    ? 'daprd (skipped: none is on PATH, and DAPRD names none)'
    : `daprd ${VERSION}`;
if (VERSION === undefined) console.info(`test/e2e/dapr: ${NAME}`);

describe.skipIf(VERSION === undefined)(`behind ${NAME},`, () => {
  const isOld = VERSION?.startsWith('1.14.') === true;
  // The in-memory broker of 1.14 delivers a failed event again of its own.
  describeMatrix(startDaprd, { isExact: !isOld });
  // Over gRPC, 1.14 shows the token with invocations alone.
  describeRoundTrips(startDaprd, { hasTokens: isOld ? ['http'] : ['http', 'grpc'] });
});

function versionOf(daprd: string): string {
  return execFileSync(daprd, ['--version'], { encoding: 'utf8' }).trim();
}
