// The output binding `bindings.http`: a request to a URL, and its response.
import { request as httpRequest, STATUS_CODES, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { BindingResponse, Component } from '../contract.ts';
import { parseDuration } from '../duration.ts';
import { SidecarError } from '../errors.ts';
import type { OutputBinding } from './output.ts';

const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);
const JSON_UTF8 = 'application/json; charset=utf-8';
const MAX_RESPONSE = 100 * 1024 * 1024;

/** @throws SidecarError `ERR_RESOURCE_INVALID` when it has no `url`. */
export function createHttpBinding({ name, metadata }: Component): OutputBinding {
  const { url = '', responseTimeout, securityToken, securityTokenHeader } = metadata;
  if (!URL.canParse(url)) {
    throw new SidecarError('ERR_RESOURCE_INVALID', `component ${name}: url: "${url}" is not a URL`);
  }
  const timeout = responseTimeout === undefined ? undefined : parseDuration(responseTimeout);
  const failsByDefault = isTruthy(metadata['errorIfNot2XX'] ?? 'true');

  return {
    operations: ['create', 'get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace'],
    async invoke({ operation, data, metadata: given }) {
      const verb = operation.toUpperCase();
      const method = verb === 'CREATE' ? 'POST' : verb;
      const headers: Record<string, string> = { Accept: JSON_UTF8 };
      if (WITH_BODY.has(method)) headers['Content-Type'] = JSON_UTF8;
      if (securityToken && securityTokenHeader) headers[securityTokenHeader] = securityToken;
      for (const [key, value] of Object.entries(given)) {
        // Keys that begin with a capital letter are headers, and so is the trace.
        if (/^[A-Z]/.test(key) || /^(?:traceparent|tracestate|baggage)$/.test(key)) {
          headers[key] = value;
        }
      }
      const { path = '' } = given;
      const target = path === '' ? url : `${url.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;
      const response = await send(new URL(target), {
        method,
        headers,
        body: WITH_BODY.has(method) ? data : undefined,
        timeout,
      });
      const fails =
        given['errorIfNot2XX'] === undefined ? failsByDefault : isTruthy(given['errorIfNot2XX']);
      const status = Number(response.metadata['statusCode']);
      if (fails && (status < 200 || status > 299))
        throw new Error(`received status code ${status}`);
      return response;
    },
  };
}

function send(
  url: URL,
  call: {
    method: string;
    headers: Readonly<Record<string, string>>;
    body: Buffer | undefined;
    timeout: number | undefined;
  },
): Promise<BindingResponse> {
  const { method, headers, body, timeout } = call;
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = request(
      url,
      {
        method,
        headers,
        ...(timeout === undefined ? {} : { signal: AbortSignal.timeout(timeout) }),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on('data', (chunk: Buffer) => {
          // Beyond the limit the response is cut, not refused.
          if (size < MAX_RESPONSE) chunks.push(chunk);
          size += chunk.length;
        });
        incoming.on('error', reject);
        incoming.on('end', () => {
          resolve({ data: Buffer.concat(chunks), metadata: toMetadata(incoming) });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function toMetadata(incoming: IncomingMessage): Readonly<Record<string, string>> {
  const status = incoming.statusCode ?? 0;
  const metadata: Record<string, string> = {
    statusCode: String(status),
    status: `${status} ${STATUS_CODES[status] ?? ''}`.trim(),
  };
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    // In Go's spelling, which is the one that callers of daprd see.
    const canonical = name.replace(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase());
    if (values !== undefined) metadata[canonical] = values.join(', ');
  }
  return metadata;
}

function isTruthy(text: string): boolean {
  return /^(?:y|yes|true|t|on|1)$/i.test(text.trim());
}
