import { diag } from '@opentelemetry/api';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ExporterSettings } from '../configuration.ts';
import { createOtlpExporter, type OtlpExporter } from './exporter.ts';

// Nobody listens at port 1.
function create(settings: Partial<ExporterSettings>): Promise<OtlpExporter> {
  const defaults: ExporterSettings = {
    protocol: 'http/protobuf',
    endpoint: undefined,
    headers: {},
    compression: 'none',
    timeout: 10_000,
  };
  return createOtlpExporter({ ...defaults, ...settings }, {}, (message) => {
    throw new Error(message);
  });
}

afterEach(() => vi.unstubAllEnvs());

test.each<[settings: Partial<ExporterSettings>, expected: string]>([
  [{}, 'http://localhost:4318'],
  [{ protocol: 'grpc' }, 'http://localhost:4317'],
  [{ endpoint: 'https://me:hunter2@c:4318/in?key=hunter2' }, 'https://c:4318'],
  [{ protocol: 'grpc', endpoint: 'https://c:4317' }, 'https://c:4317'],
])('the target of %j is %s, without what may be secret', async (settings, expected) => {
  expect((await create(settings)).target).toBe(expected);
});

describe('a collector over gRPC', () => {
  const settings = { protocol: 'grpc', endpoint: 'http://127.0.0.1:1' } as const;

  test('is looked for at its address', async () => {
    for (const name of ['grpc_proxy', 'https_proxy', 'http_proxy']) vi.stubEnv(name, undefined);
    const { whyUnreachable } = await create(settings);
    await expect(whyUnreachable()).resolves.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test.each(['grpc_proxy', 'https_proxy', 'http_proxy'])(
    'is not looked for at its address when %s says another way',
    async (name) => {
      vi.stubEnv(name, 'http://proxy.test:3128');
      const { whyUnreachable } = await create(settings);
      await expect(whyUnreachable()).resolves.toBeUndefined();
    },
  );
});

test.each(['grpc', 'http/protobuf', 'http/json'] as const)(
  'an exporter over %s reads no endpoint by itself, and leaves the variable as it is',
  async (protocol) => {
    const said: string[] = [];
    const name = 'OTEL_EXPORTER_OTLP_ENDPOINT';
    vi.stubEnv(name, 'http:/me:hunter2@c');
    const keep = (message: string): void => void said.push(message);
    diag.setLogger({ error: keep, warn: keep, info: keep, debug: keep, verbose: keep });
    onTestFinished(diag.disable.bind(diag));
    await create({ protocol });
    expect(said).toEqual([]);
    expect(process.env[name]).toBe('http:/me:hunter2@c');
  },
);
