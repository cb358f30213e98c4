import { describe, expect, it } from 'vitest';
import { createVirtualClock } from './clock.ts';
import { AttemptError, NO_POLICY, runUnder, type Policy } from './policy.ts';
import { createPolicies } from './resiliency.ts';

const never = new AbortController().signal;
const nothing = (): void => undefined;

function policyOf(retry: object, timeout?: string): Policy {
  const spec = {
    policies: { retries: { r: retry }, timeouts: timeout === undefined ? {} : { t: timeout } },
    targets: { components: { c: { inbound: { retry: 'r', timeout: 't' } } } },
  };
  return createPolicies([spec], nothing).inbound('c', 'Pubsub');
}

/** The times of the attempts, when each one fails. */
async function attemptsOf(policy: Policy, error = new Error('failed')): Promise<number[]> {
  const clock = createVirtualClock();
  const times: number[] = [];
  const run = runUnder(policy, clock, never, () => {
    times.push(clock.now());
    return Promise.reject(error);
  });
  const failed = run.catch(nothing);
  await clock.advance(3_600_000);
  await failed;
  return times;
}

describe('retries', () => {
  it('makes one attempt without a policy', async () => {
    expect(await attemptsOf(NO_POLICY)).toEqual([0]);
  });

  it('waits the same time before each, with a constant policy', async () => {
    expect(
      await attemptsOf(policyOf({ policy: 'constant', duration: '2s', maxRetries: 3 })),
    ).toEqual([0, 2000, 4000, 6000]);
  });

  it('waits five seconds by default', async () => {
    expect(await attemptsOf(policyOf({ maxRetries: 1 }))).toEqual([0, 5000]);
  });

  it('waits longer each time, up to a limit, with an exponential policy', async () => {
    const policy = policyOf({ policy: 'exponential', maxInterval: '1s', maxRetries: 4 });
    expect(await attemptsOf(policy)).toEqual([0, 500, 1250, 2250, 3250]);
  });

  it('ends an exponential policy without a number of retries after 15 minutes', async () => {
    const times = await attemptsOf(policyOf({ policy: 'exponential', maxInterval: '60s' }));
    expect(times.length).toBeGreaterThan(15);
    expect(times.at(-1)).toBeLessThanOrEqual(15 * 60_000);
  });

  it('retries only the statuses that match', async () => {
    const matching = { httpStatusCodes: '429,500-599', gRPCStatusCodes: '14' };
    const policy = policyOf({ duration: '1s', maxRetries: 1, matching });
    expect(await attemptsOf(policy, new AttemptError('', 400))).toHaveLength(1);
    expect(await attemptsOf(policy, new AttemptError('', 503))).toHaveLength(2);
    expect(await attemptsOf(policy, new AttemptError('', 13))).toHaveLength(1);
    expect(await attemptsOf(policy, new AttemptError('', 14))).toHaveLength(2);
    expect(await attemptsOf(policy, new AttemptError('no status'))).toHaveLength(2);
  });

  it('stops waiting when the sidecar stops', async () => {
    const stop = new AbortController();
    const clock = createVirtualClock();
    const run = runUnder(policyOf({ duration: '1h' }), clock, stop.signal, () =>
      Promise.reject(new Error('failed')),
    );
    await clock.advance(0);
    stop.abort(new Error('stopped'));
    await expect(run).rejects.toThrow('stopped');
    expect(clock.pending).toBe(0);
  });
});

describe('timeouts', () => {
  it('ends an attempt that takes too long, and tells it so', async () => {
    const clock = createVirtualClock();
    const signals: AbortSignal[] = [];
    const run = runUnder(
      policyOf({ duration: '1s', maxRetries: 1 }, '300ms'),
      clock,
      never,
      ({ signal }) => {
        signals.push(signal);
        return new Promise<never>(nothing);
      },
    );
    const reason = run.catch((error: unknown) => String(error));
    await clock.advance(1600);
    expect(await reason).toContain('context deadline exceeded');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });
});

describe('names', () => {
  const retries = {
    DefaultRetryPolicy: { duration: '1s', maxRetries: 1 },
    DefaultPubsubComponentInboundRetryPolicy: { duration: '2s', maxRetries: 1 },
    named: { duration: '3s', maxRetries: 1 },
  };
  const targets = { components: { own: { inbound: { retry: 'named' } } }, apps: {} };
  const policies = createPolicies([{ policies: { retries }, targets }], nothing);
  const delayOf = ({ retry }: Policy): number | undefined => retry?.delay(1);

  it('takes the policy of the target, else the most exact default', () => {
    expect(delayOf(policies.inbound('own', 'Pubsub'))).toBe(3000);
    expect(delayOf(policies.inbound('other', 'Pubsub'))).toBe(2000);
    expect(delayOf(policies.inbound('other', 'Binding'))).toBe(1000);
    expect(delayOf(policies.app('app'))).toBe(1000);
  });

  it('gives a target that is named no default', () => {
    expect(policies.outbound('own', 'Pubsub')).toEqual(NO_POLICY);
  });

  it('says which policies are named but not there', () => {
    const warnings: string[] = [];
    const names = { retry: 'r', timeout: 't' };
    const targets = {
      components: { mq: { inbound: names }, db: { outbound: { retry: 'once' } } },
      apps: { shop: { timeout: 'u' } },
    };
    createPolicies(
      [{ targets }, { policies: { retries: { once: {} }, timeouts: { t: '1s' } } }],
      (text) => warnings.push(text),
    );
    expect(warnings).toEqual([
      'resiliency of component mq, inbound: there is no retry policy "r"',
      'resiliency of app shop: there is no timeout policy "u"',
    ]);
  });

  it('says that it has no circuit breakers', () => {
    const warnings: string[] = [];
    createPolicies([{ policies: { circuitBreakers: { b: {} } } }], (text) => warnings.push(text));
    expect(warnings).toEqual([expect.stringContaining('circuit breakers are left out')]);
  });

  it.each([
    [{ policies: { retries: { r: { policy: 'linear' } } } }, 'policies.retries.r.policy'],
    [{ policies: { retries: { r: { maxRetries: 'two' } } } }, 'policies.retries.r.maxRetries'],
    [{ policies: { timeouts: { t: 'soon' } } }, '"soon" is not a duration'],
    [{ policies: { retries: { r: { matching: { httpStatusCodes: '5xx' } } } } }, '"5xx"'],
  ])('refuses a spec that is not valid, and says where', (spec, where) => {
    expect(() => createPolicies([spec], nothing)).toThrow(where);
  });
});
