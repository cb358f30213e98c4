// One request over a raw socket: resolves to the parts of the response as they were on the wire.
import { connect } from 'node:net';

/**
 * Sends one request and reads one response that has a Content-Length.
 *
 * @returns {Promise<{status: string, headers: Map<string, string>, body: string, length: number}>}
 *   Header names in lower case; `length` in bytes, head included.
 */
export function exchange(port, request) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      text += chunk;
      const response = parse(text);
      if (response === undefined) return;
      socket.destroy();
      resolve(response);
    });
    socket.on('end', () => reject(new Error(`the response is not complete:\n${text}`)));
    socket.on('error', reject);
  });
}

function parse(text) {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [statusLine, ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Map(lines.map(parseHeader));
  const body = text.slice(end + 4);
  // Without a length there is no telling here when it ends; the caller sees that it is missing.
  const expected = Number(headers.get('content-length') ?? 0);
  if (body.length < expected) return undefined;
  return { status: statusLine.split(' ')[1], headers, body, length: text.length };
}

function parseHeader(line) {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
