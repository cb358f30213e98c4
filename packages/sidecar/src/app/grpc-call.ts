// One call of a gRPC app, and the metadata that goes with it.
import { Metadata, type Client, type ServiceDefinition, type ServiceError } from '@grpc/grpc-js';
import { NO_TRACE } from '../trace.ts';

/** Makes one call; rejects with the error of gRPC. */
export function unary(
  client: Client,
  service: ServiceDefinition,
  name: string,
  request: object,
  options: { metadata: Metadata; signal?: AbortSignal },
): Promise<unknown> {
  const method = service[name];
  if (method === undefined) throw new TypeError(`there is no method ${name}`);
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted === true) {
      reject(new Error('context canceled'));
      return;
    }
    const cancel = (): void => ongoing.cancel();
    const ongoing = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      options.metadata,
      (error: ServiceError | null, response?: unknown) => {
        options.signal?.removeEventListener('abort', cancel);
        if (error === null) resolve(response);
        else reject(error);
      },
    );
    options.signal?.addEventListener('abort', cancel, { once: true });
  });
}

/** Text as metadata, as far as gRPC can carry it. */
export function toMetadata(
  fields: Readonly<Record<string, string>>,
  apiToken: string | undefined,
): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(fields)) {
    const key = name.toLowerCase();
    // gRPC's own, and what speaks of the original payload.
    if (/^(?:content-type|content-length|te|host|connection|:.*|grpc-.*|.*-bin)$/.test(key))
      continue;
    if (/^[0-9a-z_.-]+$/.test(key) && /^[\x20-\x7e]*$/.test(value)) metadata.set(key, value);
  }
  if (apiToken !== undefined) metadata.set('dapr-api-token', apiToken);
  return metadata;
}

// Fields of HTTP that are no fields of the caller; they come with a prefix.
const HTTP_FIELDS = new Set(
  `accept accept-charset accept-language accept-ranges cache-control content-type cookie date expect
  from host if-match if-modified-since if-none-match if-schedule-tag-match if-unmodified-since
  max-forwards origin pragma referer via warning`.split(/\s+/),
);

/** The headers of a caller as the metadata of `OnInvoke`. */
export function toInvokeMetadata(
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const metadata: Record<string, string> = { traceparent: NO_TRACE };
  for (const [name, value] of Object.entries(headers)) {
    metadata[HTTP_FIELDS.has(name) ? `dapr-${name}` : name] = value;
  }
  return metadata;
}
