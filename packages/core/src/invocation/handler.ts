// The handler of a definition as a Call: each signature gets the arguments it declares.
import type { FunctionDefinition, Handler } from '../function/signature.ts';
import type { Call } from './plugin.ts';

/** The call of a handler, by its signature and, for events, by its arity. */
export function toCall(definition: FunctionDefinition): Call {
  const { handler, signature } = definition;
  switch (signature) {
    case 'http':
      return ({ origin }) => handler(origin.req, origin.res);
    case 'openfunction':
      return (invocation) => handler(invocation, invocation.data);
    case 'cloudevent':
      if (handler.length > 1) return ({ event }) => withCallback(handler, [event]);
      return ({ event }) => handler(event);
    case 'event':
      if (handler.length > 2) {
        return ({ data, eventContext }) => withCallback(handler, [data, eventContext]);
      }
      return ({ data, eventContext }) => handler(data, eventContext);
  }
}

function withCallback(handler: Handler, args: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const callback = (error?: unknown, result?: unknown): void => {
      if (error === undefined || error === null) resolve(result);
      else reject(error);
    };
    const returned = handler(...args, callback);
    // An async handler that declares a callback may fail before it calls back.
    if (returned instanceof Promise) returned.catch(reject);
  });
}
