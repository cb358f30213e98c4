// Service invocation over both protocols: a request for an app becomes a call of ours.
import type { IncomingHttpHeaders } from 'node:http';
import { posix } from 'node:path';
import { status as grpc } from '@grpc/grpc-js';
import { HTTPExtension_Verb as Verb } from '@dapr/dapr/proto/dapr/proto/common/v1/common_pb.js';
import type { AppRequest, AppResponse } from '../contract.ts';
import { SidecarError } from '../errors.ts';
import type { ApiContext } from './context.ts';
import { appIdMissing, invokeFailed } from './fault.ts';
import type { GrpcMethods } from './grpc-method.ts';
import { EVERY_METHOD, type HttpCall, type HttpReply, type Route } from './http-route.ts';

// Theirs are the connection and the sidecar, not the app.
const OWN_HEADERS = new Set([
  'connection',
  'content-length',
  'dapr-api-token',
  'dapr-app-id',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export function invokeRoutes(context: ApiContext): readonly Route[] {
  return [
    {
      methods: EVERY_METHOD,
      pattern: /^\/v1\.0\/invoke\/.+$/,
      handle: (call) => invokeAnything(context, call),
    },
  ];
}

/**
 * Calls the app that the path names, or a header does, or the user of its basic authorization.
 *
 * @throws SidecarError `ERR_DIRECT_INVOKE`; its status is 404 when none of them names an app.
 */
export async function invokeAnything(context: ApiContext, call: HttpCall): Promise<HttpReply> {
  const target = findTarget(call);
  if (target === undefined) throw appIdMissing();
  const body = await call.body().catch((thrown: unknown) => {
    throw invokeFailed(target.appId, thrown);
  });
  const { status, ...answer } = await invoke(context, target.appId, {
    method: target.method,
    verb: call.verb,
    query: call.search,
    headers: toAppHeaders(call.headers),
    body,
  });
  const headers = Object.fromEntries(
    Object.entries(answer.headers).filter(([name]) => !OWN_HEADERS.has(name.toLowerCase())),
  );
  return { status, headers, body: answer.body };
}

interface Target {
  readonly appId: string;
  readonly method: string;
}

function findTarget({ pathname, headers }: HttpCall): Target | undefined {
  const path = decode(pathname);
  if (path === undefined) return undefined;
  const appId = headers['dapr-app-id'] ?? parseBasicUser(headers.authorization);
  if (typeof appId === 'string' && appId !== '') return { appId, method: cleanMethod(path) };
  const match = /^\/+v1\.0\/+invoke\/+(.+?)\/method\/(.*)$/.exec(path);
  if (match === null) return undefined;
  return { appId: match[1] ?? '', method: cleanMethod(match[2] ?? '') };
}

function cleanMethod(path: string): string {
  const method = posix.normalize(`/${path}`).slice(1);
  return method.endsWith('/') ? method.slice(0, -1) : method;
}

// `dapr-app-id:orders`, as in the URL http://dapr-app-id:orders@127.0.0.1:3500/method
function parseBasicUser(authorization: string | undefined): string | undefined {
  if (authorization?.startsWith('Basic ') !== true) return undefined;
  const text = Buffer.from(authorization.slice('Basic '.length), 'base64').toString();
  const [name, appId, ...more] = text.split(':');
  return name?.toLowerCase() === 'dapr-app-id' && more.length === 0 ? appId : undefined;
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function toAppHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || OWN_HEADERS.has(name) ? [] : [[name, String(value)] as const],
  );
  return Object.fromEntries(entries);
}

async function invoke(
  { engine }: ApiContext,
  appId: string,
  request: AppRequest,
): Promise<AppResponse> {
  try {
    return await engine.invokeApp(request, appId);
  } catch (thrown) {
    // Dapr has one error for all that can go wrong with a call; the reason is in its message.
    const isWrapped = thrown instanceof SidecarError && thrown.cause !== undefined;
    throw invokeFailed(appId, isWrapped ? thrown.cause : thrown);
  }
}

export function invokeMethods(context: ApiContext): Pick<GrpcMethods, 'invokeService'> {
  return {
    async invokeService({ request, headers, setHeader }) {
      const { id, message } = request;
      const type = message?.contentType ?? '';
      const verb = message?.httpExtension?.verb ?? Verb.NONE;
      const { status, ...answer } = await invoke(context, id, {
        method: message?.method ?? '',
        verb: verb === Verb.NONE ? 'POST' : (Verb[verb] ?? 'POST'),
        query: message?.httpExtension?.querystring ?? '',
        headers: { ...toAppHeaders(headers), ...(type === '' ? {} : { 'content-type': type }) },
        body: Buffer.from(message?.data?.value ?? new Uint8Array()),
      });
      setHeader('dapr-http-status', String(status));
      if (status < 200 || status > 299) throw toGrpcFault(status, answer.body);
      const contentType = answer.headers['content-type'] ?? '';
      return { data: { typeUrl: '', value: answer.body }, contentType };
    },
  };
}

const GRPC_STATUSES: ReadonlyMap<number, grpc> = new Map([
  [400, grpc.INTERNAL],
  [401, grpc.UNAUTHENTICATED],
  [403, grpc.PERMISSION_DENIED],
  [404, grpc.NOT_FOUND],
  [408, grpc.CANCELLED],
  [409, grpc.ALREADY_EXISTS],
  [429, grpc.RESOURCE_EXHAUSTED],
  [501, grpc.UNIMPLEMENTED],
  [503, grpc.UNAVAILABLE],
  [504, grpc.DEADLINE_EXCEEDED],
]);

function toGrpcFault(status: number, body: Buffer): SidecarError {
  const grpcStatus = GRPC_STATUSES.get(status) ?? grpc.UNKNOWN;
  const message = `the app answered ${status}: ${body.toString().slice(0, 200)}`;
  return new SidecarError('ERR_DIRECT_INVOKE', message, { httpStatus: status, grpcStatus });
}
