// The matrix and the round trips behind our own sidecar, which stands in for daprd where there is none.
import { describe, expect, it } from 'vitest';
import { startProcess } from '@ofn-test/system/start-function';
import { describeMatrix } from './matrix.ts';
import { describeRoundTrips } from './round-trip.ts';
import { startOwnSidecar } from './own-sidecar.ts';

describe('behind @ofn/sidecar,', () => {
  describeMatrix(startOwnSidecar);
  describeRoundTrips(startOwnSidecar);
});

it.each(['http', 'grpc'])(
  'an http handler is refused at the start of an async runtime, over %s',
  async (protocol) => {
    const inputs = {
      in: { componentName: 'pubsub', componentType: 'pubsub.in-memory', uri: 'orders' },
    };
    const app = startProcess({
      files: {
        'index.mjs': `
          import { http } from '@ofn/core';
          http('handler', (req, res) => res.end());
        `,
      },
      args: ['--port', '0'],
      env: {
        APP_PROTOCOL: protocol,
        FUNC_CONTEXT: JSON.stringify({ name: 'matrix', runtime: 'Async', inputs }),
      },
    });
    const { code, stdout, stderr } = await app.exit;
    await app.end();
    expect(code).toBe(1);
    expect(stdout + stderr).toContain('OFN_SIGNATURE_UNSUPPORTED');
    expect(stdout + stderr).toContain('function "handler" answers HTTP requests');
  },
);
