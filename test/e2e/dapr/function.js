// The function of the matrix, as each kind of handler (variable KIND): an event says what comes of it.
// It prints each call, and does something else than resolve only where the event says so.
import { binding, cloudEvent, DropError, event, openfunction, RetryError, topic } from '@ofn/core';

const never = () => new Promise(() => {});

const OUTCOMES = {
  resolves: () => {},
  'returns-a-status': () => ({ status: 'ok' }),
  'rejects-once': ({ isFirst }) => (isFirst ? Promise.reject(new Error('asked for')) : undefined),
  'rejects-always': () => Promise.reject(new Error('asked for')),
  'throws-in-a-timer': ({ isFirst }) => {
    if (!isFirst) return undefined;
    setTimeout(() => {
      throw new Error('thrown in a timer');
    }, 1);
    return never();
  },
  'throws-a-drop-error': () => {
    throw new DropError('not wanted');
  },
  'throws-a-retry-error': ({ isFirst }) => {
    if (isFirst) throw new RetryError('not yet');
  },
  drops: ({ ctx }) => {
    ctx.drop('not wanted');
  },
  retries: ({ ctx, isFirst }) => {
    if (isFirst) ctx.retry('not yet');
  },
  'times-out': ({ isFirst }) => (isFirst ? never() : undefined),
  'never-settles': never,
};

const calls = new Map();

/** Events of topics say it in their data; of bindings, in the name of the component. */
function handle({ id, source, data }, ctx) {
  const [, component] = /^\/bindings\/on-(.+)$/.exec(source) ?? [];
  const outcome = component ?? data.outcome;
  const key = component === undefined ? id : source;
  const call = (calls.get(key) ?? 0) + 1;
  calls.set(key, call);
  console.log(JSON.stringify({ begun: outcome, source, call }));
  return OUTCOMES[outcome]({ ctx, isFirst: call === 1 });
}

const INPUTS = JSON.parse(process.env.INPUTS ?? '{}');

switch (process.env.KIND) {
  case 'openfunction':
    openfunction('handler', (ctx) => handle(ctx.event, ctx));
    break;
  case 'cloudevent':
    cloudEvent('handler', (received) => handle(received));
    break;
  case 'event':
    event('handler', (data, { id, source }) => handle({ id, source, data }));
    break;
  case 'topic':
    for (const [name, options] of Object.entries(INPUTS)) {
      topic(name, options, (ctx) => handle(ctx.event, ctx));
    }
    break;
  case 'binding':
    for (const [name, options] of Object.entries(INPUTS)) {
      binding(name, options, (ctx) => handle(ctx.event, ctx));
    }
    break;
}

// Where an event ends that was dropped, or failed too often. The relay sees it come.
topic('dead', { pubsub: 'pubsub' }, () => {});
