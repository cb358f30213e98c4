// Which requests are taken, and what becomes of the others (behaviour 1).
import { describe, expect, test } from 'vitest';
import { PROFILES } from '../profile.ts';
import {
  HOST,
  SERVICE,
  ask,
  routeOf,
  startBackend,
  startInterceptor,
} from './interceptor.fixture.ts';

describe.each(PROFILES)('%s', (profile) => {
  test('answers 404 to a host, or a path, that no route has', async () => {
    const backend = await startBackend((_, response) => response.end('here'));
    const rules = [{ hosts: [HOST], paths: ['/shop'], headers: [] }];
    const { port, setEndpoints } = await startInterceptor({
      profile,
      routes: [routeOf({ rules })],
    });
    setEndpoints(SERVICE, [backend.address]);

    expect(await ask(port, { path: '/shop/1' })).toMatchObject({ status: 200, body: 'here' });
    for (const given of [
      { path: '/shop/1', headers: { host: 'other.example.com' } },
      { path: '/' },
      { path: '/shopping' },
    ]) {
      const { body, headers, status } = await ask(port, given);
      expect([status, body.trim(), headers['x-keda-http-cold-start']]).toEqual([
        404,
        'Not Found',
        undefined,
      ]);
    }
    expect(backend.requests).toHaveLength(1);
  });

  test('takes a host whatever port it is given with', async () => {
    const backend = await startBackend((_, response) => response.end());
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const { status } = await ask(port, { headers: { host: `${HOST}:8080` } });
    expect(status).toBe(200);
  });
});

test('current: answers 404 to a request without a header that its route asks for', async () => {
  const backend = await startBackend((_, response) => response.end());
  const headers = [{ name: 'X-Tenant', value: 'a' }];
  const routes = [routeOf({ rules: [{ hosts: ['*.example.com'], paths: [], headers }] })];
  const { port, setEndpoints } = await startInterceptor({ routes });
  setEndpoints(SERVICE, [backend.address]);
  expect((await ask(port, { headers: { 'x-tenant': 'a' } })).status).toBe(200);
  expect((await ask(port, { headers: { 'x-tenant': 'b' } })).status).toBe(404);
  expect((await ask(port)).status).toBe(404);
});

test('v0.5: answers probes of Kubernetes that are for no route on the port of the proxy', async () => {
  const probe = { headers: { host: '10.0.0.7', 'user-agent': 'kube-probe/1.27' } };
  const old = await startInterceptor({ profile: 'v0.5' });
  expect(await ask(old.port, probe)).toMatchObject({ status: 200, body: 'OK' });
  const current = await startInterceptor();
  expect((await ask(current.port, probe)).status).toBe(404);
});

test('new routes are taken from the next request on, and the counts of those that stay go on', async () => {
  const backend = await startBackend((_, response) => response.end());
  const { counts, port, setEndpoints, setRoutes } = await startInterceptor();
  setEndpoints(SERVICE, [backend.address]);
  await ask(port);
  setRoutes([
    routeOf(),
    routeOf({ name: 'more', rules: [{ hosts: ['more'], paths: [], headers: [] }] }),
  ]);
  expect((await ask(port, { headers: { host: 'more' } })).status).toBe(200);
  expect(counts()).toEqual({
    'default/shop': { concurrency: 0, requestCount: 1 },
    'default/more': { concurrency: 0, requestCount: 1 },
  });
  setRoutes([]);
  expect((await ask(port)).status).toBe(404);
  expect(counts()).toEqual({});
});

test('current: takes each line of a repeated header for a value of its own', async () => {
  const backend = await startBackend((_, response) => response.end());
  const headers = [{ name: 'X-Tenant', value: 'b' }];
  const routes = [routeOf({ rules: [{ hosts: [HOST], paths: [], headers }] })];
  const { port, setEndpoints } = await startInterceptor({ routes });
  setEndpoints(SERVICE, [backend.address]);
  expect((await ask(port, { headers: { 'x-tenant': ['a', 'b'] } })).status).toBe(200);
  expect((await ask(port, { headers: { 'x-tenant': 'a, b' } })).status).toBe(404);
});
