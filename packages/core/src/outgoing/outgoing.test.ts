// ctx.send: to one output or to all, and what is told when some of them fail.
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { OfnError } from '../errors.ts';
import { outgoingTo, startDaprd } from './daprd.fixture.ts';

const require = createRequire(import.meta.url);

const outputs = {
  orders: { componentName: 'mq', componentType: 'pubsub.redis', uri: 'orders' },
  gone: { componentName: 'gone', componentType: 'pubsub.redis', uri: 'orders' },
  lost: { componentName: 'lost', componentType: 'pubsub.redis', uri: 'orders' },
};

describe('send', () => {
  test('sends to all outputs when none is named', async () => {
    const daprd = await startDaprd();
    await outgoingTo(daprd).send({ a: 1 });
    expect(daprd.requests.map(({ url }) => url).toSorted()).toEqual([
      '/v1.0/bindings/disk',
      '/v1.0/publish/mq/orders%2Fnew',
    ]);
  });

  test('sends to the one that is named', async () => {
    const daprd = await startDaprd();
    await outgoingTo(daprd).send({ a: 1 }, 'files');
    expect(daprd.requests.map(({ url }) => url)).toEqual(['/v1.0/bindings/disk']);
  });

  test.each(['nowhere', 'toString', ''])(
    'rejects for the unknown output %j (defect 4)',
    async (name) => {
      const daprd = await startDaprd();
      await expect(outgoingTo(daprd).send('x', name)).rejects.toMatchObject({
        code: 'OFN_OUTPUT_UNKNOWN',
        message: `there is no output "${name}"; there is orders, files`,
      });
      expect(daprd.requests).toEqual([]);
    },
  );

  test('rejects when outputs fail, naming each and why, after all were tried (defect 4)', async () => {
    const daprd = await startDaprd();
    const error: unknown = await outgoingTo(daprd, { outputs })
      .send('x')
      .catch((thrown: unknown) => thrown);
    expect(daprd.requests).toHaveLength(3);
    expect(error).toMatchObject({
      code: 'OFN_OUTPUT_FAILED',
      message: expect.stringMatching(
        /^2 of 3 outputs could not be sent: gone: .*pubsub gone is not found; lost: .*pubsub lost is not found$/,
      ) as unknown,
    });
    const { cause } = error as OfnError;
    expect(cause).toBeInstanceOf(AggregateError);
    expect((cause as AggregateError).message).toBe('the errors of gone, lost');
    expect((cause as AggregateError).errors).toHaveLength(2);
    expect((cause as AggregateError).errors[0]).toBeInstanceOf(OfnError);
  });

  test('refuses data that cannot be sent before any output has it', async () => {
    const daprd = await startDaprd();
    await expect(outgoingTo(daprd).send(undefined)).rejects.toMatchObject({
      code: 'OFN_RESULT_INVALID',
    });
    expect(daprd.requests).toEqual([]);
  });

  test('resolves when there are no outputs', async () => {
    const daprd = await startDaprd();
    await expect(outgoingTo(daprd, { outputs: {} }).send('x')).resolves.toBeUndefined();
    await expect(outgoingTo(daprd, { outputs: {} }).send('x', 'a')).rejects.toThrow(
      'there is none',
    );
  });

  test('keeps messages apart that are sent at once', async () => {
    const daprd = await startDaprd();
    const outgoing = outgoingTo(daprd);
    await Promise.all(['a', 'b', 'c'].map((text) => outgoing.send(text, 'orders')));
    const texts = daprd.requests.map(({ bytes }) => bytes.toString());
    expect(texts.toSorted()).toEqual(['a', 'b', 'c']);
  });
});

describe('what is shared by all calls', () => {
  test('is frozen', async () => {
    const outgoing = outgoingTo(await startDaprd());
    for (const value of [outgoing, outgoing.outputs, outgoing.states, outgoing.state]) {
      expect(Object.isFrozen(value)).toBe(true);
    }
  });

  test('is connected ahead by preload, which never fails', async () => {
    const daprd = await startDaprd();
    const asked = new Promise<string>((resolve) => {
      daprd.intercept = ({ url }) => {
        resolve(url);
        return false;
      };
    });
    outgoingTo(daprd).preload();
    await expect(asked).resolves.toBe('/v1.0/healthz/outbound');
    await daprd.close();
    expect(() => outgoingTo(daprd).preload()).not.toThrow();
  });

  test('does not load the SDK before its client is used', async () => {
    const daprd = await startDaprd();
    const outgoing = outgoingTo(daprd);
    const isLoaded = (): boolean =>
      Object.keys(require.cache).some((path) => path.includes('@dapr'));
    await outgoing.send('x');
    await outgoing.states['pg']?.save('a', 1);
    expect(isLoaded()).toBe(false);
    void outgoing.client;
    expect(isLoaded()).toBe(true);
  });
});
