import { afterEach, describe, expect, it } from 'vitest';
import { startCollector, type Collector, type CollectorOptions } from '../../testing/collector.ts';
import {
  assertExpectedData,
  toActualData,
  type ExpectedData,
} from '../../testing/expected-data.fixture.ts';
import {
  SERVICE,
  agent,
  createTestReporter,
  findFreePort,
  finishSegments,
} from './reporter.fixture.ts';
import type { Reporter } from './reporter.ts';
import { renderSw8 } from '../sw8.ts';

const reporters: Reporter[] = [];
const collectors: Collector[] = [];

afterEach(async () => {
  for (const reporter of reporters.splice(0)) await reporter.close();
  for (const collector of collectors.splice(0)) await collector.stop();
});

async function collect(options?: CollectorOptions): Promise<Collector> {
  const collector = await startCollector(options);
  collectors.push(collector);
  return collector;
}

function report(...args: Parameters<typeof createTestReporter>) {
  const created = createTestReporter(...args);
  reporters.push(created.reporter);
  return created;
}

function started(...args: Parameters<typeof createTestReporter>) {
  const created = report(...args);
  created.reporter.start(SERVICE, {});
  return created;
}

/** Resolves when something is so that no collector can tell of. */
async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !condition();) {
    if (Date.now() > end) throw new Error(`waited in vain for ${String(condition)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const SHORT_CLOSE = { connect: 50, close: 200 };

describe('a collector that is there', () => {
  it('gets each finished segment once, of the service that was started', async () => {
    const collector = await collect();
    started([collector.address]);
    finishSegments(25);
    const segments = await collector.waitForSegments(25, 'orders');
    expect(new Set(segments.map(({ tracesegmentid }) => tracesegmentid)).size).toBe(25);
    expect(segments[0]).toMatchObject({ serviceinstance: 'orders-1' });
  });

  it('gets segments that finished before the service was known', async () => {
    const collector = await collect();
    const { reporter } = report([collector.address]);
    finishSegments(1);
    reporter.start({ name: 'late', instance: 'late-1' }, {});
    expect(await collector.waitForSegments(1, 'late')).toHaveLength(1);
  });

  it('gets the endpoint of the caller', async () => {
    const collector = await collect();
    started([collector.address]);
    const sw8 = renderSw8({
      sampled: true,
      traceId: 'a1',
      segmentId: 'b2',
      spanId: 3,
      service: 'shop',
      instance: 'shop-1',
      endpoint: '/cart',
      peer: 'orders:80',
    });
    finishSegments(1, { sw8 });
    const data = toActualData(await collector.waitForSegments(1));
    const expected: ExpectedData = {
      segmentItems: [
        {
          serviceName: 'orders',
          segmentSize: 1,
          segments: [
            {
              segmentId: 'not null',
              spans: [
                {
                  operationName: '/orders/0',
                  spanType: 'Entry',
                  parentSpanId: -1,
                  startTime: 'gt 0',
                  refs: [
                    {
                      parentEndpoint: '/cart',
                      parentService: 'shop',
                      parentServiceInstance: 'shop-1',
                      parentSpanId: 3,
                      parentTraceSegmentId: 'b2',
                      networkAddress: 'orders:80',
                      refType: 'CrossProcess',
                      traceId: 'a1',
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    };
    expect(() => assertExpectedData(data, expected)).not.toThrow();
  });

  it('gets the authentication with each call', async () => {
    const collector = await collect();
    started([collector.address], { authentication: 'secret' });
    finishSegments(1);
    await collector.waitForSegments(1);
    expect(collector.metadata.length).toBeGreaterThanOrEqual(3);
    for (const metadata of collector.metadata) {
      expect(metadata).toMatchObject({ authentication: 'secret' });
    }
  });

  it('gets the properties of the instance and a heartbeat as soon as it is connected', async () => {
    const collector = await collect();
    const { reporter } = report([collector.address]);
    reporter.start(SERVICE, { pod: 'orders-x', namespace: 'shop' });
    await collector.waitFor('a heartbeat', () => collector.heartbeats.length > 0);
    expect(collector.heartbeats[0]).toEqual({
      service: 'orders',
      instance: 'orders-1',
      layer: 'FAAS',
    });
    expect(collector.instances).toEqual([
      {
        service: 'orders',
        instance: 'orders-1',
        layer: 'FAAS',
        properties: {
          language: 'NodeJS',
          'OS Name': process.platform,
          hostname: expect.any(String),
          'Process No.': String(process.pid),
          pod: 'orders-x',
          namespace: 'shop',
        },
      },
    ]);
  });

  it('gets heartbeats again and again', async () => {
    const collector = await collect();
    started([collector.address], {}, { heartbeat: 10 });
    await collector.waitFor('heartbeats', () => collector.heartbeats.length >= 3);
    expect(collector.instances.length).toBeGreaterThanOrEqual(2);
  });

  it('gets one report at a time, when it is slow', async () => {
    const collector = await collect({ behaviour: 'slow', delay: 50 });
    const { reporter } = started([collector.address]);
    await until(() => reporter.connected);
    finishSegments(1);
    await collector.waitForSegments(1);
    finishSegments(1);
    await collector.waitForSegments(2);
    expect(collector.reports).toEqual({ opened: 2, atOnce: 1 });
  });

  it('gets what is more than half of the buffer before a second is over', async () => {
    const collector = await collect();
    const { reporter } = started([collector.address], { maxBufferSize: 10 }, { report: 100_000 });
    await until(() => reporter.connected);
    finishSegments(5);
    expect(await collector.waitForSegments(5)).toHaveLength(5);
  });
});

describe('the event loop', () => {
  it('goes on after a few segments', async () => {
    const collector = await collect();
    let turns = 0;
    const turn = (): Promise<void> => {
      turns += 1;
      return new Promise((resolve) => setImmediate(resolve));
    };
    started([collector.address], {}, { turn });
    finishSegments(500);
    await collector.waitForSegments(500);
    // Ten at a time to encode, ten at a time to write; less what is in the first of each report.
    expect(turns).toBeGreaterThanOrEqual(90);
  });

  it('has nothing to do where a report is due and no segment waits', async () => {
    const collector = await collect();
    const { reporter } = started([collector.address]);
    await until(() => reporter.connected);
    let sent = 0;
    const count = (): unknown => (sent += 1);
    agent.emitter.on('segments-sent', count);
    await until(() => sent >= 5);
    agent.emitter.off('segments-sent', count);
    expect(collector.reports.opened).toBe(0);
  });
});

describe('a collector that is not there', () => {
  it('leaves the agent free to begin traces', async () => {
    started([`127.0.0.1:${await findFreePort()}`], {}, SHORT_CLOSE);
    agent.SpanContext.nActiveSegments = 1000;
    await until(() => agent.SpanContext.nActiveSegments === 0);
    expect(agent.contextManager.current).toBeInstanceOf(agent.SpanContext);
  });

  it('costs the oldest segments, and one warning with how many', async () => {
    const address = `127.0.0.1:${await findFreePort()}`;
    const timing = { ...SHORT_CLOSE, warning: 100_000 };
    const { reporter, lines } = started([address], { maxBufferSize: 10 }, timing);
    finishSegments(25);
    await until(() => lines.length > 0);
    finishSegments(25);
    await reporter.close();
    const warnings = lines.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ collectors: address, dropped: 15 }),
      expect.objectContaining({ collectors: address, dropped: 35 }),
    ]);
  });

  it('gets the newest segments when it comes up late', async () => {
    const port = await findFreePort();
    const { lines } = started([`127.0.0.1:${port}`], { maxBufferSize: 10 });
    finishSegments(25);
    await until(() => lines.some(({ fields }) => fields['dropped'] === 15));
    await until(() => lines.some(({ fields }) => /none .* reached/.test(String(fields['reason']))));
    const collector = await collect({ port });
    const segments = await collector.waitForSegments(10);
    expect(segments.map(({ spansList }) => spansList[0]?.operationname)).toEqual(
      Array.from({ length: 10 }, (_, index) => `/orders/${15 + index}`),
    );
    expect(lines.at(-1)).toMatchObject({
      level: 'info',
      message: 'SkyWalking can be reached again',
    });
  });

  it('is not waited for at the end when there is nothing to send', async () => {
    const timing = { connect: 100_000, close: 100_000 };
    const { reporter, lines } = started([`127.0.0.1:${await findFreePort()}`], {}, timing);
    await reporter.close();
    expect(lines.filter(({ fields }) => 'dropped' in fields)).toEqual([]);
  });
});

describe('several collectors', () => {
  it('use the next when the first cannot be reached', async () => {
    const collector = await collect();
    started([`127.0.0.1:${await findFreePort()}`, collector.address]);
    finishSegments(3);
    expect(await collector.waitForSegments(3)).toHaveLength(3);
  });

  it('use the next when the first stops', async () => {
    const [first, second] = [await collect(), await collect()];
    started([first.address, second.address]);
    finishSegments(1);
    await first.waitForSegments(1);
    expect(second.heartbeats).toEqual([]);
    await first.stop();
    finishSegments(1);
    await second.waitForSegments(1);
  });

  it('use the first again when the second stops', async () => {
    const [first, second] = [await collect(), await collect()];
    const { reporter } = started([first.address, second.address]);
    await until(() => reporter.connected);
    await first.stop();
    await second.waitFor('a heartbeat', () => second.heartbeats.length > 0);
    await first.restart();
    await second.stop();
    finishSegments(1);
    expect(await first.waitForSegments(1)).toHaveLength(1);
  });

  it.each(['unavailable', 'unimplemented', 'permission-denied', 'hang'] as const)(
    'use the next when the first is connected and %s, and lose nothing',
    async (behaviour) => {
      const [first, second] = [await collect({ behaviour }), await collect()];
      const { lines } = started([first.address, second.address], { traceTimeout: 50 });
      finishSegments(20);
      await second.waitForSegments(20);
      expect(lines.filter(({ fields }) => 'dropped' in fields)).toEqual([]);
    },
  );

  it('use the next when the first speaks something else', async () => {
    const [first, second] = [await collect({ behaviour: 'garbage' }), await collect()];
    started([first.address, second.address]);
    finishSegments(1);
    expect(await second.waitForSegments(1)).toHaveLength(1);
  });
});

describe('a collector that fails', () => {
  it.each(['unavailable', 'unimplemented', 'permission-denied', 'hang'] as const)(
    'gets segments twice at most when it is %s, and the next ones when it has recovered',
    async (behaviour) => {
      const collector = await collect({ behaviour });
      const { lines } = started([collector.address], { traceTimeout: 50 });
      finishSegments(5);
      const isDrop = ({ fields }: (typeof lines)[number]): boolean => fields['dropped'] === 5;
      await until(() => lines.some(isDrop));
      expect(collector.reports).toEqual({ opened: 2, atOnce: 1 });
      collector.behave('normal');
      finishSegments(3);
      expect(await collector.waitForSegments(3)).toHaveLength(3);
    },
  );

  it('is connected to anew when it has not answered in time', async () => {
    const collector = await collect({ behaviour: 'hang' });
    started([collector.address], { traceTimeout: 50 });
    finishSegments(1);
    await collector.waitFor('a second report', () => collector.reports.opened === 2);
    expect(collector.peers.size).toBe(2);
  });

  it('gets what a restart has interrupted', async () => {
    const collector = await collect({ behaviour: 'hang' });
    started([collector.address]);
    finishSegments(5);
    await collector.waitFor('a report', () => collector.reports.opened === 1);
    collector.behave('normal');
    await collector.restart();
    expect(await collector.waitForSegments(5)).toHaveLength(5);
  });

  it('is tried again and again while it speaks something else', async () => {
    const garbage = await startCollector({ behaviour: 'garbage' });
    const { reporter } = started([garbage.address]);
    finishSegments(1);
    let sent = 0;
    const count = (): unknown => (sent += 1);
    agent.emitter.on('segments-sent', count);
    await until(() => sent >= 20);
    agent.emitter.off('segments-sent', count);
    expect(reporter.connected).toBe(false);
    await garbage.stop();
    const collector = await collect({ port: garbage.port });
    await collector.waitForSegments(1);
  });

  it('costs no more memory than the buffer and one report, however long it hangs', async () => {
    const collector = await collect({ behaviour: 'hang' });
    const settings = { maxBufferSize: 10, traceTimeout: 100_000 };
    const { reporter, lines } = started([collector.address], settings, SHORT_CLOSE);
    finishSegments(10);
    await collector.waitFor('a report', () => collector.reports.opened === 1);
    finishSegments(100);
    await until(() => lines.some(({ fields }) => fields['dropped'] === 90));
    await reporter.close();
    expect(lines.at(-1)?.fields).toMatchObject({ dropped: 20 });
  });
});

describe('what user code leaves in a span', () => {
  it('costs its own segment only', async () => {
    const collector = await collect();
    const { lines } = started([collector.address]);
    const spoil = (segment: { spans: object[] }): void => {
      if (segment.spans.length === 1) Object.assign(segment.spans[0]!, { component: undefined });
      agent.emitter.off('segment-finished', spoil);
    };
    agent.emitter.on('segment-finished', spoil);
    finishSegments(3);
    await collector.waitForSegments(2);
    await until(() => lines.some(({ fields }) => fields['dropped'] === 1));
    expect(lines.at(-1)?.fields['reason']).toBe(
      'they could not be encoded, or are larger than a collector takes',
    );
  });
});

describe('an authentication that no header can have', () => {
  it('is left out, with a warning that does not have it', async () => {
    const collector = await collect();
    const { lines } = started([collector.address], { authentication: 'hush\nhush' });
    finishSegments(1);
    await collector.waitForSegments(1);
    await until(() => lines.some(({ level }) => level === 'warn'));
    expect(JSON.stringify(lines)).toContain('the authentication has characters');
    expect(JSON.stringify(lines)).not.toContain('hush');
  });
});

describe('close', () => {
  it('sends what has finished just before', async () => {
    const collector = await collect();
    const { reporter } = started([collector.address], {}, { load: 100_000, report: 100_000 });
    finishSegments(25);
    await reporter.close();
    expect(collector.segments).toHaveLength(25);
    expect(reporter.connected).toBe(false);
  });

  it('waits for the answer to a report on its way, and sends what has come since', async () => {
    const collector = await collect({ behaviour: 'slow', delay: 50 });
    const { reporter } = started([collector.address]);
    finishSegments(1);
    await collector.waitForSegments(1);
    finishSegments(1);
    await reporter.close();
    expect(collector.segments).toHaveLength(2);
  });

  it('tries the next collector', async () => {
    const collector = await collect();
    const addresses = [`127.0.0.1:${await findFreePort()}`, collector.address];
    const { reporter } = started(addresses, {}, { load: 100_000 });
    finishSegments(1);
    await reporter.close();
    expect(collector.segments).toHaveLength(1);
  });

  it('does not wait for a segment that is not finished', async () => {
    const collector = await collect();
    const { reporter } = started([collector.address]);
    agent.contextManager.clearAll();
    const span = agent.contextManager.current.newEntrySpan('/open');
    span.start();
    await reporter.close();
    span.stop();
    expect(collector.segments).toEqual([]);
  });

  it('gives up a collector that cannot be reached, and says how many segments it had', async () => {
    const { reporter, lines } = started([`127.0.0.1:${await findFreePort()}`], {}, SHORT_CLOSE);
    finishSegments(7);
    await reporter.close();
    expect(lines.at(-1)).toMatchObject({ level: 'warn', fields: { dropped: 7 } });
  });

  it.each(['hang', 'garbage', 'unimplemented'] as const)(
    'gives up a collector that is %s, and says how many segments it had',
    async (behaviour) => {
      const collector = await collect({ behaviour });
      const { reporter, lines } = started([collector.address], {}, SHORT_CLOSE);
      finishSegments(7);
      await reporter.close();
      expect(lines.at(-1)).toMatchObject({ level: 'warn', fields: { dropped: 7 } });
    },
  );

  it('does nothing more the second time', async () => {
    const { reporter } = report(['127.0.0.1:1']);
    expect(reporter.close()).toBe(reporter.close());
    await reporter.close();
  });

  it('ends a reporter that was never started', async () => {
    const timing = { connect: 100_000, close: 100_000 };
    const { reporter, lines } = report(['127.0.0.1:1'], {}, timing);
    finishSegments(1);
    await reporter.close();
    expect(lines).toMatchObject([{ level: 'warn', fields: { dropped: 1 } }]);
  });
});
