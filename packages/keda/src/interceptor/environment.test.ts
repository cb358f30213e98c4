// The variables of the add-on (KEDA_*) as settings.
import { describe, expect, test } from 'vitest';
import { PROFILES } from '../profile.ts';
import { VARIABLES, parseInterceptorEnvironment } from './environment.ts';

describe.each(PROFILES)('%s', (profile) => {
  test('sets nothing without variables, and takes an empty one for none', () => {
    const nothing = { settings: {}, port: undefined, adminPort: undefined, ignored: [] };
    expect(parseInterceptorEnvironment({}, profile)).toEqual(nothing);
    expect(parseInterceptorEnvironment({ KEDA_HTTP_CONNECT_TIMEOUT: '' }, profile)).toEqual(
      nothing,
    );
  });

  test.each(VARIABLES.filter(({ profiles }) => profiles.includes(profile)))(
    'reads $name',
    ({ kind, name, setting }) => {
      const given = { duration: '1m30s', count: '7', boolean: 'false' }[kind];
      const value = { duration: 90_000, count: 7, boolean: false }[kind];
      const { ignored, settings } = parseInterceptorEnvironment({ [name]: given }, profile);
      expect([settings, ignored]).toEqual([{ [setting]: value }, []]);
    },
  );

  test.each(VARIABLES.filter(({ profiles }) => profiles.includes(profile)))(
    'says that $name is malformed',
    ({ name }) => {
      for (const text of ['maybe', '-1', '5 s', '1e3']) {
        expect(() => parseInterceptorEnvironment({ [name]: text }, profile)).toThrow(
          expect.objectContaining({
            code: 'OFN_KEDA_OPTION_INVALID',
            message: expect.stringContaining(name),
          }),
        );
      }
    },
  );

  test('reads the ports', () => {
    const env = { KEDA_HTTP_PROXY_PORT: '8081', KEDA_HTTP_ADMIN_PORT: '0' };
    expect(parseInterceptorEnvironment(env, profile)).toMatchObject({ port: 8081, adminPort: 0 });
    expect(() => parseInterceptorEnvironment({ KEDA_HTTP_PROXY_PORT: '65536' }, profile)).toThrow(
      /KEDA_HTTP_PROXY_PORT must be a port/,
    );
  });

  test('names the variables that do nothing here', () => {
    const env = { KEDA_HTTP_PROXY_TLS_ENABLED: 'true', KEDA_HTTP_FORCE_HTTP2: 'true', HOME: '/' };
    expect(parseInterceptorEnvironment(env, profile).ignored).toEqual([
      'KEDA_HTTP_FORCE_HTTP2',
      'KEDA_HTTP_PROXY_TLS_ENABLED',
    ]);
  });
});

test('current: an older name wins over the newer one, unless it is 0', () => {
  const env = { KEDA_RESPONSE_HEADER_TIMEOUT: '2s', KEDA_HTTP_RESPONSE_HEADER_TIMEOUT: '9s' };
  expect(parseInterceptorEnvironment(env, 'current').settings.responseHeaderTimeout).toBe(2000);
  const zero = { ...env, KEDA_RESPONSE_HEADER_TIMEOUT: '0s' };
  expect(parseInterceptorEnvironment(zero, 'current').settings.responseHeaderTimeout).toBe(9000);
});

test('v0.5: takes 0 as it stands, and does not know the newer names', () => {
  const env = { KEDA_RESPONSE_HEADER_TIMEOUT: '0', KEDA_HTTP_RESPONSE_HEADER_TIMEOUT: '9s' };
  expect(parseInterceptorEnvironment(env, 'v0.5')).toMatchObject({
    settings: { responseHeaderTimeout: 0 },
    ignored: ['KEDA_HTTP_RESPONSE_HEADER_TIMEOUT'],
  });
});
