// Calls of `http` and `openfunction` functions: one request, one invocation, one reply.
import { toError } from '../errors.ts';
import type { Invocation, InvocationOrigin, ServedFunction } from '../invocation/invocation.ts';
import { invoke, runInside, type Settle } from '../invocation/invoke.ts';
import { isThenable } from '../invocation/outcome.ts';
import type { Exchange } from './exchange.ts';
import { failExchange } from './failure.ts';
import { sendWebResponse } from './fetch-handler.ts';
import { isWebResponse, sendResult } from './result.ts';
import { validate } from './schema.ts';
import type { Stage, StageSettings } from './stage.ts';

/** Creates the stage of an `http` or `openfunction` function. */
export function createCallStage(served: ServedFunction, settings: StageSettings): Stage {
  const { definition } = served;
  const { schema, signature, style } = definition;
  const { showDetails, tracker } = settings;
  const replies = signature === 'openfunction';

  function rejected(invocation: Invocation, error: unknown, origin: InvocationOrigin): void {
    const exchange = origin as Exchange;
    invocation.error = error ?? toError(error);
    failExchange(exchange, error, showDetails);
    tracker.settled(exchange);
  }

  const settle: Settle = {
    rejected,
    resolved(invocation, value, origin) {
      const exchange = origin as Exchange;
      const { response } = exchange;
      // A plugin may have made good for what the handler threw.
      invocation.error = undefined;
      try {
        if (exchange.isAnswered) {
          // Nobody reads it: what it holds open is let go.
          if (isWebResponse(value)) value.body?.cancel().catch(() => {});
          tracker.settled(exchange);
        } else if (isWebResponse(value)) {
          sendWebResponse(response, value).then(
            () => tracker.settled(exchange),
            (error: unknown) => rejected(invocation, error, exchange),
          );
        } else {
          if (replies) sendResult(response, value);
          tracker.settled(exchange);
        }
      } catch (error) {
        rejected(invocation, error, exchange);
      }
    },
  };

  function call(exchange: Exchange, invocation: Invocation): void {
    invocation.data = exchange.request.body;
    if (style === 'express-app') exchange.request.handToExpress();
    exchange.running = true;
    invoke(served, invocation, settle);
  }

  if (schema === undefined) return call;
  return (exchange, invocation) => {
    const { request } = exchange;
    const proceed = (value: unknown): void => {
      request.body = value;
      if (!exchange.isAnswered) call(exchange, invocation);
    };
    // What a schema throws outside of its promise is an error of this call, too.
    const valid = runInside(invocation, () => validate(schema, request.body));
    if (isThenable(valid)) valid.then(proceed, (error: unknown) => invocation.fail(error));
    else proceed(valid);
  };
}
