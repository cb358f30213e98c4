// The API of output bindings over both protocols: a request becomes a call of the engine.
import * as v from 'valibot';
import { anyCaseObject } from '../any-case-object.ts';
import type { BindingRequest, BindingResponse } from '../contract.ts';
import { SidecarError } from '../errors.ts';
import { readTrace, type ApiContext } from './context.ts';
import { bindingFailed } from './fault.ts';
import type { GrpcMethods } from './grpc-method.ts';
import { MetadataSchema, NO_CONTENT, parseBody, WRITE, type Route } from './http-route.ts';

const BindingSchema = anyCaseObject({
  data: v.optional(v.unknown()),
  operation: v.nullish(v.string(), ''),
  metadata: MetadataSchema,
});

export function bindingRoutes(context: ApiContext): readonly Route[] {
  return [
    {
      methods: WRITE,
      pattern: /^\/v1\.0\/bindings\/(?<name>[^/]+)$/,
      async handle(call) {
        const { name = '' } = call.params;
        const given = await parseBody(call, BindingSchema);
        const { data, metadata } = await invoke(context, name, {
          operation: given.operation,
          // Whatever it was in the body: a string keeps its quotes, and nothing is null.
          data: Buffer.from(JSON.stringify(given.data ?? null)),
          metadata: { ...given.metadata, ...readTrace(call.headers) },
        });
        const headers = Object.fromEntries(
          Object.entries(metadata).map(([key, value]) => [`metadata.${key}`, value]),
        );
        if (data === undefined) return { ...NO_CONTENT, headers };
        return { status: 200, headers, body: data };
      },
    },
  ];
}

export function bindingMethods(context: ApiContext): Pick<GrpcMethods, 'invokeBinding'> {
  return {
    async invokeBinding({ request, headers, setHeader }) {
      const { data, metadata } = await invoke(context, request.name, {
        operation: request.operation,
        data: Buffer.from(request.data),
        metadata: { ...readTrace(headers), ...request.metadata },
      });
      for (const [key, value] of Object.entries(metadata)) setHeader(`metadata.${key}`, value);
      return { data: data ?? new Uint8Array(), metadata };
    },
  };
}

async function invoke(
  { engine }: ApiContext,
  name: string,
  request: BindingRequest,
): Promise<BindingResponse> {
  try {
    return await engine.invokeBinding(name, request);
  } catch (thrown) {
    throw thrown instanceof SidecarError ? thrown : bindingFailed(name, thrown);
  }
}
