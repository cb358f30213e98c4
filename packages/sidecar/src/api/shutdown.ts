// The shutdown API over both protocols: a caller asks, and the sidecar stops after its answer.
import type { ApiContext } from './context.ts';
import type { GrpcMethods } from './grpc-method.ts';
import { NO_CONTENT, type Route } from './http-route.ts';

export function shutdownRoutes({ onShutdown }: ApiContext): readonly Route[] {
  return [
    {
      methods: ['POST'],
      pattern: /^\/v1\.0\/shutdown$/,
      handle() {
        setImmediate(onShutdown);
        return NO_CONTENT;
      },
    },
  ];
}

export function shutdownMethods({ onShutdown }: ApiContext): Pick<GrpcMethods, 'shutdown'> {
  return {
    shutdown() {
      setImmediate(onShutdown);
      return {};
    },
  };
}
