// Calls of `http` and `openfunction` functions: one request, one invocation, one reply.
import type { Invocation, ServedFunction } from '../invocation/invocation.ts';
import { invoke, type Settle } from '../invocation/invoke.ts';
import { isThenable } from '../invocation/outcome.ts';
import { failExchange } from './exchange.ts';
import { sendWebResponse } from './fetch-handler.ts';
import type { FunctionRequest } from './request.ts';
import type { FunctionResponse } from './response.ts';
import { isWebResponse, sendResult } from './result.ts';
import { validate } from './schema.ts';
import type { Stage, StageSettings } from './stage.ts';

/** Creates the stage of an `http` or `openfunction` function. */
export function createCallStage(served: ServedFunction, settings: StageSettings): Stage {
  const { definition } = served;
  const { schema, signature, style } = definition;
  const { showDetails, tracker } = settings;
  const replies = signature === 'openfunction';

  function rejected(invocation: Invocation, error: unknown): void {
    invocation.error = error;
    failExchange(invocation, error, showDetails);
    tracker.settled(invocation.req as unknown as FunctionRequest);
  }

  const settle: Settle = {
    rejected,
    resolved(invocation, value) {
      if (isWebResponse(value)) {
        sendResponse(invocation, value);
        return;
      }
      try {
        const response = invocation.res as unknown as FunctionResponse;
        if (replies && !response.headersSent && !invocation.ended) sendResult(response, value);
      } catch (error) {
        rejected(invocation, error);
        return;
      }
      tracker.settled(invocation.req as unknown as FunctionRequest);
    },
  };

  function sendResponse(invocation: Invocation, web: Response): void {
    const response = invocation.res as unknown as FunctionResponse;
    if (response.headersSent || invocation.ended) {
      tracker.settled(response.req as FunctionRequest);
      return;
    }
    sendWebResponse(response, web).then(
      () => tracker.settled(response.req as FunctionRequest),
      (error: unknown) => rejected(invocation, error),
    );
  }

  function call(request: FunctionRequest, invocation: Invocation): void {
    invocation.data = request.body;
    if (style === 'express-app') request.ownFrameworkMembers();
    request.settled = false;
    invoke(served, invocation, settle);
  }

  if (schema === undefined) return call;
  return (request, invocation) => {
    const valid = validate(schema, request.body);
    const proceed = (value: unknown): void => {
      request.body = value;
      if (!invocation.ended) call(request, invocation);
    };
    if (isThenable(valid)) valid.then(proceed, (error: unknown) => invocation.fail(error));
    else proceed(valid);
  };
}
