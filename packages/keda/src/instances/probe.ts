// Whether an instance is ready: its port accepts a connection, or its probe answers 2xx.
import { get } from 'node:http';
import { connect } from 'node:net';

/** @param path Of the probe; `undefined` to be content with the port. */
export function isReady(host: string, port: number, path: string | undefined): Promise<boolean> {
  return path === undefined ? accepts(host, port) : answers(host, port, path);
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (value: boolean): void => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(PROBE_TIMEOUT, () => settle(false));
    socket.on('connect', () => settle(true));
    socket.on('error', () => settle(false));
  });
}

// Milliseconds that a probe may take, as in Kubernetes.
const PROBE_TIMEOUT = 1000;

function answers(host: string, port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { host, port, path, agent: false, signal: AbortSignal.timeout(PROBE_TIMEOUT) };
    const request = get(options, ({ statusCode = 0 }) => {
      resolve(statusCode >= 200 && statusCode < 300);
      // Its body may have no end.
      request.destroy();
    });
    request.on('error', () => resolve(false));
  });
}
