import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXTERNAL_SCALER } from './external-scaler-service.ts';
import {
  createExternalScaler,
  type ExternalScaler,
  type ExternalScalerOptions,
} from './external-scaler.ts';

const CONCURRENCY = { kind: 'concurrency', target: 100 } as const;
const RATE = { kind: 'requestRate', target: 5, window: 60_000, granularity: 1000 } as const;
const route = (name: string, ...metrics: (typeof CONCURRENCY | typeof RATE)[]) => ({
  route: { namespace: 'default', name },
  scaling: { metrics },
});
const ROUTES = [
  route('hello', CONCURRENCY),
  route('rated', RATE),
  route('both', CONCURRENCY, RATE),
];

let interceptor: Server;
let queue: string;
let endpoint: string;
let asked: () => void = () => {};
const started: ExternalScaler[] = [];
const clients: Client[] = [];

beforeEach(async () => {
  queue = '{"default/hello":{"Concurrency":3,"RequestCount":10}}';
  interceptor = createServer((_, response) => {
    response.end(queue);
    asked();
  });
  await new Promise<void>((resolve) => interceptor.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(interceptor.address() as AddressInfo).port}/queue`;
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(started.splice(0).map((scaler) => scaler.stop()));
  interceptor.closeAllConnections();
  await new Promise((resolve) => interceptor.close(resolve));
});

async function start(options: Partial<ExternalScalerOptions> = {}) {
  const scaler = createExternalScaler({
    endpoints: [endpoint],
    routes: ROUTES,
    pollingInterval: 5,
    streamInterval: 5,
    ...options,
  });
  started.push(scaler);
  await scaler.start();
  const client = new Client(scaler.address, credentials.createInsecure());
  clients.push(client);
  const call = (method: string, request: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = methodOf(method);
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        (error, value) => (error === null ? resolve(value) : reject(error)),
      );
    });
  return { call, client, scaler };
}

function methodOf(name: string) {
  const method = EXTERNAL_SCALER[name];
  if (method === undefined) throw new Error(`there is no method ${name}`);
  return method;
}

const ref = (scalerMetadata: Record<string, string>, name = 'any') => ({
  name,
  namespace: 'default',
  scalerMetadata,
});

/** Resolves after two more polls: the first may have begun before. */
async function polled(): Promise<void> {
  for (let count = 0; count < 2; count += 1) {
    await new Promise<void>((resolve) => (asked = resolve));
  }
}

describe('of an HTTPScaledObject', () => {
  const hello = ref({ httpScaledObject: 'hello' });

  test('it tells the metric, its target and its value in whole numbers', async () => {
    const { call } = await start();
    expect(await call('GetMetricSpec', hello)).toEqual({
      metricSpecs: [{ metricName: 'http-default_002Fhello', targetSize: 100, targetSizeFloat: 0 }],
    });
    const request = { scaledObjectRef: hello, metricName: 's0-http-default_002Fhello' };
    expect(await call('GetMetrics', request)).toEqual({
      metricValues: [{ metricName: 'http-default_002Fhello', metricValue: 3, metricValueFloat: 0 }],
    });
  });

  test('it is active while a request is pending', async () => {
    const { call } = await start();
    expect(await call('IsActive', hello)).toEqual({ result: true });
    queue = '{"default/hello":{"Concurrency":0,"RequestCount":10}}';
    await expect.poll(() => call('IsActive', hello)).toEqual({ result: false });
  });
});

describe('of an InterceptorRoute', () => {
  test('it tells both metrics, or the one that is asked for', async () => {
    queue = '{"default/both":{"Concurrency":2,"RequestCount":0}}';
    const { call } = await start();
    const both = ref({ interceptorRoute: 'both' });
    expect(await call('GetMetricSpec', both)).toEqual({
      metricSpecs: [
        { metricName: 'http_both_concurrency', targetSize: 0, targetSizeFloat: 100 },
        { metricName: 'http_both_rate', targetSize: 0, targetSizeFloat: 5 },
      ],
    });
    const ask = (metricName: string) => call('GetMetrics', { scaledObjectRef: both, metricName });
    const concurrency = {
      metricName: 'http_both_concurrency',
      metricValue: 0,
      metricValueFloat: 2,
    };
    const rate = { metricName: 'http_both_rate', metricValue: 0, metricValueFloat: 0 };
    expect(await ask('')).toEqual({ metricValues: [concurrency, rate] });
    expect(await ask('http_both_rate')).toEqual({ metricValues: [rate] });
    expect(await ask('other')).toEqual({ metricValues: [] });
  });

  test('it is active while requests come, also when none is pending', async () => {
    queue = '{"default/rated":{"Concurrency":0,"RequestCount":10}}';
    const { call } = await start();
    const rated = ref({ interceptorRoute: 'rated' });
    expect(await call('IsActive', rated)).toEqual({ result: false });
    queue = '{"default/rated":{"Concurrency":0,"RequestCount":70}}';
    await expect.poll(() => call('IsActive', rated)).toEqual({ result: true });
  });
});

test('of add-on 0.5 a ScaledObject has the name of its route', async () => {
  queue = '{"default/hello":4}';
  const { call } = await start({ profile: 'v0.5' });
  const hello = ref({ hosts: 'hello.example.com', pathPrefixes: '' }, 'hello');
  expect(await call('GetMetrics', { scaledObjectRef: hello, metricName: '' })).toEqual({
    metricValues: [{ metricName: 'http-default_002Fhello', metricValue: 4, metricValueFloat: 0 }],
  });
});

test('the interceptor itself is scaled by all that is pending', async () => {
  queue = '{"default/hello":{"Concurrency":3,"RequestCount":0},"other/x":{"Concurrency":4}}';
  const { call } = await start();
  const self = ref({ interceptorTargetPendingRequests: '200' }, 'interceptor');
  expect(await call('GetMetricSpec', self)).toMatchObject({ metricSpecs: [{ targetSize: 200 }] });
  expect(await call('GetMetrics', { scaledObjectRef: self, metricName: '' })).toMatchObject({
    metricValues: [{ metricName: 'http-default_002Finterceptor', metricValue: 7 }],
  });
});

test('a stream tells again and again whether it is active', async () => {
  const { client } = await start();
  const { path, requestSerialize, responseDeserialize } = methodOf('StreamIsActive');
  const stream = client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    ref({ httpScaledObject: 'hello' }),
  );
  stream.on('error', () => {});
  const seen: unknown[] = [];
  for await (const message of stream) {
    seen.push(message);
    if (seen.length === 3) queue = '{"default/hello":{"Concurrency":0}}';
    if (JSON.stringify(message) === '{"result":false}') break;
  }
  expect(seen.slice(0, 3)).toEqual([{ result: true }, { result: true }, { result: true }]);
  expect(seen.at(-1)).toEqual({ result: false });
});

describe('a request that cannot be answered', () => {
  const codeOf = async (answer: Promise<unknown>): Promise<[number, string]> => {
    const error = (await answer.then(
      () => undefined,
      (reason: unknown) => reason,
    )) as ServiceError;
    return [error.code, error.details];
  };

  test('is NOT_FOUND for a route that is not there', async () => {
    const { call } = await start();
    const answer = call('GetMetricSpec', ref({ interceptorRoute: 'none' }));
    expect(await codeOf(answer)).toEqual([5, 'there is no route default/none']);
  });

  test.each([
    [{}, 'the metadata of the trigger needs interceptorRoute or httpScaledObject'],
    [
      { interceptorTargetPendingRequests: 'many' },
      'interceptorTargetPendingRequests must be a whole number, not "many"',
    ],
  ])('is INVALID_ARGUMENT for the metadata %o', async (metadata, message) => {
    const { call } = await start();
    expect(await codeOf(call('IsActive', ref(metadata)))).toEqual([3, message]);
  });

  test('is INVALID_ARGUMENT without a ScaledObject', async () => {
    const { call } = await start();
    expect(await codeOf(call('GetMetrics', { metricName: 'x' }))).toEqual([
      3,
      'the request needs scaledObjectRef',
    ]);
  });

  test('ends a stream with its status', async () => {
    const { client } = await start();
    const { path, requestSerialize, responseDeserialize } = methodOf('StreamIsActive');
    const request = ref({ interceptorRoute: 'none' });
    const stream = client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
    );
    const error = await new Promise<ServiceError>((resolve) => {
      stream.on('error', resolve);
      stream.resume();
    });
    expect([error.code, error.details]).toEqual([5, 'there is no route default/none']);
  });
});

test('an interceptor that fails is logged once, until it fails anew', async () => {
  const warned: string[] = [];
  const log = { info() {}, error() {}, warn: (_: object, text: string) => void warned.push(text) };
  queue = 'no JSON';
  const { call } = await start({ log });
  await polled();
  expect(warned).toEqual([`${endpoint} cannot be asked for its queue`]);
  queue = '{"default/hello":1}';
  const hello = ref({ httpScaledObject: 'hello' });
  await expect.poll(() => call('IsActive', hello)).toEqual({ result: true });
  queue = '[]';
  await expect.poll(() => warned.length).toBe(2);
});

test('a port that is taken is an error that says so', async () => {
  const { scaler } = await start();
  const port = Number(scaler.address.split(':').at(-1));
  await expect(start({ port })).rejects.toMatchObject({ code: 'OFN_KEDA_PORT_UNAVAILABLE' });
});

test('a stop ends streams', async () => {
  const { client, scaler } = await start();
  const { path, requestSerialize, responseDeserialize } = methodOf('StreamIsActive');
  const stream = client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    ref({ httpScaledObject: 'hello' }),
  );
  const ended = new Promise((resolve) => stream.on('error', resolve));
  stream.once('data', () => void scaler.stop());
  expect(await ended).toBeInstanceOf(Error);
});
