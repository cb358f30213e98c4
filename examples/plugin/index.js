// Plugins around functions: one for all, one for a single function, and those of the plugins folder.
import { definePlugin, onStart, onStop, openfunction, use } from '@ofn/core';

// Around every function. `next()` runs what is inside and gives what the handler returned.
use(
  definePlugin({
    name: 'timing',
    async wrap(invocation, next) {
      const start = performance.now();
      try {
        return await next();
      } finally {
        const ms = Math.round(performance.now() - start);
        invocation.res?.set('Server-Timing', `function;dur=${ms}`);
        invocation.log.info({ ms }, 'timed');
      }
    },
  }),
);

// Around one function. An error with a status is the reply; `expose` lets the client read it.
const onlyWithKey = definePlugin({
  name: 'only-with-key',
  wrap(invocation, next) {
    if (invocation.req?.get('X-Api-Key') === 'secret') return next();
    throw Object.assign(new Error('send the header X-Api-Key'), { status: 401, expose: true });
  },
});

/** @type {string[]} */
const greetings = [];
onStart(() => greetings.push('Hello', 'Good day')); // before the server listens
onStop(() => console.log('stopped, after the last call')); // before the process exits

// `ctx.locals.calls` is set by the class in plugins/call-counter.js.
openfunction('greet', (ctx) => ({ greeting: greetings[0], calls: ctx.locals.calls }));
openfunction('secret', { plugins: [onlyWithKey] }, () => ({ greeting: greetings[1] }));
