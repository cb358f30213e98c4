// The address of the sidecar: which variable counts, and what is refused.
import { describe, expect, test } from 'vitest';
import { parseSidecarAddress } from './sidecar-address.ts';

describe('parseSidecarAddress', () => {
  test('is loopback with the ports of Dapr when nothing is said', () => {
    expect(parseSidecarAddress({})).toEqual({
      http: 'http://127.0.0.1:3500',
      grpc: '127.0.0.1:50001',
      apiToken: undefined,
    });
  });

  test('reads DAPR_HOST and DAPR_SIDECAR_IP, which OpenFunction sets and the SDK does not read', () => {
    const env = { DAPR_SIDECAR_IP: '10.0.0.7', DAPR_HTTP_PORT: '3501', DAPR_GRPC_PORT: '50002' };
    expect(parseSidecarAddress(env)).toMatchObject({
      http: 'http://10.0.0.7:3501',
      grpc: '10.0.0.7:50002',
    });
    const both = { ...env, DAPR_HOST: 'fn-ns-dapr.ns.svc.cluster.local' };
    expect(parseSidecarAddress(both).http).toBe('http://fn-ns-dapr.ns.svc.cluster.local:3501');
  });

  test('prefers the endpoints to hosts and ports', () => {
    const env = {
      DAPR_HTTP_ENDPOINT: 'https://dapr.example.com',
      DAPR_GRPC_ENDPOINT: 'dns://8.8.8.8/dapr.example.com:443',
      DAPR_HOST: 'elsewhere',
      DAPR_HTTP_PORT: '1',
    };
    expect(parseSidecarAddress(env)).toMatchObject({
      http: 'https://dapr.example.com:443',
      grpc: 'dns://8.8.8.8/dapr.example.com:443',
    });
  });

  test.each([
    ['127.0.0.1:3500', 'http://127.0.0.1:3500'],
    [':5000', 'http://localhost:5000'],
    ['http://[::1]:3500', 'http://[::1]:3500'],
    ['http://host', 'http://host:80'],
    ['https://host/path?x=1', 'https://host:443'],
  ])('takes the HTTP endpoint %s as the SDK does', (endpoint, http) => {
    expect(parseSidecarAddress({ DAPR_HTTP_ENDPOINT: endpoint }).http).toBe(http);
  });

  test.each([
    ['fd00::7', '[fd00::7]'],
    ['::1', '[::1]'],
    ['[::1]', '[::1]'],
  ])('puts the IPv6 address %s into brackets', (host, expected) => {
    const { http, grpc } = parseSidecarAddress({ DAPR_HOST: host });
    expect([http, grpc]).toEqual([`http://${expected}:3500`, `${expected}:50001`]);
  });

  test('takes empty variables for absent ones', () => {
    const env = { DAPR_HOST: '', DAPR_HTTP_PORT: ' ', DAPR_API_TOKEN: '' };
    expect(parseSidecarAddress(env)).toEqual(parseSidecarAddress({}));
  });

  test('does not repeat the password of an endpoint that it refuses', () => {
    const env = { DAPR_HTTP_ENDPOINT: 'http://me:p@ss@host:3500' };
    expect(() => parseSidecarAddress(env)).toThrow(/not "http:\/\/…@host:3500"$/);
  });

  test.each([
    ['DAPR_HTTP_PORT', '0'],
    ['DAPR_HTTP_PORT', '80a'],
    ['DAPR_GRPC_PORT', '70000'],
    ['DAPR_HOST', 'a b'],
    ['DAPR_HOST', 'host:3500'],
    ['DAPR_HOST', 'http://host'],
    ['DAPR_HOST', 'host/path'],
    ['DAPR_SIDECAR_IP', 'user@host'],
    ['DAPR_HTTP_ENDPOINT', 'ftp://host'],
    ['DAPR_HTTP_ENDPOINT', 'http://'],
    ['DAPR_GRPC_ENDPOINT', 'ftp://host'],
    ['DAPR_GRPC_ENDPOINT', 'a b'],
  ])('refuses %s=%s, naming the variable', (name, value) => {
    expect(() => parseSidecarAddress({ [name]: value })).toThrow(
      expect.objectContaining({
        code: 'OFN_OPTION_INVALID',
        message: expect.stringContaining(`${name} must be`) as unknown,
      }),
    );
  });
});
