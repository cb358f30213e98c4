// Gives our request and response classes Express's members, loading Express only when a handler
// first uses one that we do not implement ourselves: most never do, and their cold start is halved.
import { express } from './express.ts';

/** Members of Express 5's request, apart from those `FunctionRequest` implements. */
export const REQUEST_MEMBERS = [
  'accepts',
  'acceptsCharsets',
  'acceptsEncodings',
  'acceptsLanguages',
  'fresh',
  'host',
  'hostname',
  'ip',
  'ips',
  'is',
  'protocol',
  'range',
  'secure',
  'stale',
  'subdomains',
  'xhr',
] as const;

/** Members of Express 5's response, apart from those `FunctionResponse` implements. */
export const RESPONSE_MEMBERS = [
  'append',
  'attachment',
  'clearCookie',
  'contentType',
  'cookie',
  'download',
  'format',
  'jsonp',
  'links',
  'location',
  'redirect',
  'render',
  'sendFile',
  'sendStatus',
  'type',
  'vary',
] as const;

/** Defines each member so that its first use fetches Express's own definition in its place. */
export function defineExpressMembers(
  prototype: object,
  kind: 'request' | 'response',
  members: readonly string[],
): void {
  for (const member of members) {
    Object.defineProperty(prototype, member, {
      configurable: true,
      get() {
        const source = express()[kind];
        for (const name of members) {
          const descriptor = Object.getOwnPropertyDescriptor(source, name);
          if (descriptor !== undefined) Object.defineProperty(prototype, name, descriptor);
        }
        return Reflect.get(this as object, member) as unknown;
      },
      // A handler may put a value of its own in the place of a member, as in Express.
      set(value: unknown) {
        Object.defineProperty(this, member, {
          configurable: true,
          enumerable: true,
          writable: true,
          value,
        });
      },
    });
  }
}
