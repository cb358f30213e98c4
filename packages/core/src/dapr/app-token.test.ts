// The app API token: what passes, and what an error tells.
import { describe, expect, test } from 'vitest';
import { assertToken } from './app-token.ts';

describe('assertToken', () => {
  test.each([undefined, 'anything', ['a', 'b'], 7])(
    'passes %j when no token is expected',
    (given) => {
      expect(() => assertToken(undefined, given)).not.toThrow();
    },
  );

  test('passes the expected token', () => {
    expect(() => assertToken('s3cret-ü', 's3cret-ü')).not.toThrow();
  });

  test.each([
    ['missing', undefined],
    ['wrong', ''],
    ['wrong', 's3cre'],
    ['wrong', 's3crett'],
    ['wrong', 'S3CRET'],
    ['wrong', ['s3cret']],
    ['wrong', Buffer.from('s3cret')],
    ['wrong', null],
  ])('refuses one that is %s (%j), without telling either', (reason, given) => {
    expect(() => assertToken('s3cret', given)).toThrow(
      expect.objectContaining({
        code: 'OFN_TOKEN_INVALID',
        status: 401,
        message:
          `the header dapr-api-token is ${reason}: give the sidecar the APP_API_TOKEN of the ` +
          `function`,
      }),
    );
  });
});
