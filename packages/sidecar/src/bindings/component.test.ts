import { status as grpc } from '@grpc/grpc-js';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createVirtualClock } from '../clock.ts';
import {
  grpcError,
  outcomes,
  retrying,
  startGrpcApp,
  startHttpApp,
  startSidecar,
  type AppAnswer,
} from '../sidecar.fixture.ts';

const TICK = { name: 'tick', type: 'bindings.cron', metadata: { schedule: '@every 5s' } };

/** An app that takes the binding, and answers its events. */
function appThat(answer: () => AppAnswer | undefined, options: AppAnswer = { status: 200 }) {
  return startHttpApp(undefined, ({ verb }) => (verb === 'OPTIONS' ? options : answer()));
}

describe('cron', () => {
  it('ticks by the clock of the sidecar', async () => {
    const app = await appThat(() => ({ status: 200 }));
    const clock = createVirtualClock();
    const sidecar = await startSidecar({ components: [TICK], appPort: app.port, clock });
    await sidecar.appReady();
    await clock.advance(4999);
    expect(app.at('/tick').filter(({ verb }) => verb === 'POST')).toHaveLength(0);
    await clock.advance(10_001);
    await sidecar.journal.until((journal) => journal.count('acked') === 3);
    const posts = app.at('/tick').filter(({ verb }) => verb === 'POST');
    expect(posts).toHaveLength(3);
    expect(posts[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      readtimeutc: '1970-01-01 00:00:05 +0000 UTC',
      timezone: 'Local',
    });
    expect(posts[0]?.body).toBe('');
  });

  it.each([
    ['2xx', { status: 204 }, 1],
    ['405', { status: 405 }, 1],
    ['404', { status: 404 }, 0],
    ['500', { status: 500 }, 0],
  ])('asks the app by OPTIONS, and takes %s for an answer', async (_name, options, ticks) => {
    const app = await appThat(() => ({ status: 200 }), options);
    const clock = createVirtualClock();
    const sidecar = await startSidecar({ components: [TICK], appPort: app.port, clock });
    await sidecar.appReady();
    await clock.advance(5000);
    await sidecar.idle();
    expect(sidecar.journal.count('acked')).toBe(ticks);
  });

  it('does not ask when the component says that it is an input', async () => {
    const metadata = { ...TICK.metadata, direction: 'input', route: '/on-tick' };
    const app = await appThat(() => ({ status: 200 }), { status: 404 });
    const clock = createVirtualClock();
    const components = [{ ...TICK, metadata }];
    const sidecar = await startSidecar({ components, appPort: app.port, clock });
    await sidecar.appReady();
    await clock.advance(5000);
    await sidecar.idle();
    expect(app.calls.map(({ verb, path }) => `${verb} ${path}`)).toEqual([
      'GET /dapr/config',
      'POST /on-tick',
    ]);
  });

  it('refuses a schedule that is none, and names the component', async () => {
    const components = [{ ...TICK, metadata: { schedule: 'now and then' } }];
    await expect(startSidecar({ components })).rejects.toMatchObject({
      code: 'ERR_RESOURCE_INVALID',
      message: expect.stringContaining('component tick: schedule: "now and then"') as string,
    });
  });
});

describe('an input over HTTP', () => {
  const ACKED = ['delivered', 'acked'];
  const RETRIED_THEN_ACKED = ['delivered', 'retried', 'delivered', 'acked'];
  const LOST = ['delivered', 'retried', 'delivered', 'lost'];

  it.each<[string, AppAnswer, readonly string[]]>([
    ['200', { status: 200, body: { status: 'RETRY' } }, ACKED],
    // The policy insists on 200; when it gives up, any 2xx will do.
    ['204', { status: 204 }, RETRIED_THEN_ACKED],
    ['404', { status: 404 }, LOST],
    ['500', { status: 500 }, LOST],
    ['a broken connection', { broken: true }, LOST],
  ])('takes %s as the table says', async (_name, answer, expected) => {
    const app = await appThat(() => answer);
    const sidecar = await startSidecar({
      components: [TICK],
      appPort: app.port,
      clock: createVirtualClock(),
      resiliency: retrying(1, 0, 'tick'),
    });
    await sidecar.appReady();
    const triggered = sidecar.trigger('tick', { n: 1 }).then(
      () => 'taken',
      () => 'not taken',
    );
    await sidecar.journal.until((journal) => journal.count('delivered') === 1);
    const clock = sidecar.clock as ReturnType<typeof createVirtualClock>;
    if (expected.includes('retried')) {
      await sidecar.journal.until((journal) => journal.count('retried') === 1);
      await clock.advance(1);
    }
    expect(await triggered).toBe(expected.includes('acked') ? 'taken' : 'not taken');
    expect(outcomes(sidecar)).toEqual(expected);
  });

  it('sends the payload as it is, and the metadata as headers', async () => {
    const app = await appThat(() => ({ body: 'thanks' }));
    const sidecar = await startSidecar({ components: [TICK], appPort: app.port });
    await sidecar.appReady();
    const reply = await sidecar.trigger('tick', 'raw', { Key: 'k' });
    expect(reply.toString()).toBe('thanks');
    const call = app.calls.at(-1);
    expect(call).toMatchObject({ verb: 'POST', path: '/tick', body: 'raw' });
    expect(call?.headers['key']).toBe('k');
  });
});

describe('an input over gRPC', () => {
  const FILES = (rootPath: string) => ({
    name: 'files',
    type: 'bindings.localstorage',
    metadata: { rootPath, direction: 'output' },
  });

  async function temporaryFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'sidecar-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    return folder;
  }

  it('ticks only when the app lists it', async () => {
    const names: unknown[] = [];
    const app = await startGrpcApp({
      listInputBindings: () => ({ bindings: ['tick'] }),
      onBindingEvent: (request: { name: string }) => {
        names.push(request.name);
        return {};
      },
    });
    const clock = createVirtualClock();
    const sidecar = await startSidecar({
      components: [TICK, { ...TICK, name: 'tock' }],
      appPort: app.port,
      appProtocol: 'grpc',
      clock,
    });
    await sidecar.appReady();
    await clock.advance(5000);
    await sidecar.idle();
    expect(names).toEqual(['tick']);
  });

  it('sends the data of a reply on to the outputs that it names', async () => {
    const folder = await temporaryFolder();
    const app = await startGrpcApp({
      onBindingEvent: () => ({ to: ['files'], data: Buffer.from('{"a":1}'), concurrency: 1 }),
    });
    const sidecar = await startSidecar({
      components: [TICK, FILES(folder)],
      appPort: app.port,
      appProtocol: 'grpc',
    });
    await sidecar.appReady();
    await sidecar.trigger('tick');
    const listed = await sidecar.engine.invokeBinding('files', {
      operation: 'list',
      data: Buffer.alloc(0),
      metadata: {},
    });
    const [file] = JSON.parse(String(listed.data)) as string[];
    expect(await readFile(file ?? '', 'utf8')).toBe('{"a":1}');
  });

  it('loses an event that the app answers with an error', async () => {
    const app = await startGrpcApp({
      onBindingEvent: () => {
        throw grpcError(grpc.UNIMPLEMENTED, 'no');
      },
    });
    const sidecar = await startSidecar({
      components: [TICK],
      appPort: app.port,
      appProtocol: 'grpc',
    });
    await sidecar.appReady();
    await expect(sidecar.trigger('tick')).rejects.toThrow('error invoking app');
    expect(outcomes(sidecar)).toEqual(['delivered', 'lost']);
  });
});
