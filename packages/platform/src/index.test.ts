import { expect, test } from 'vitest';
import * as publicNames from './index.ts';

test('the public names are these and no other', () => {
  expect(Object.keys(publicNames).toSorted()).toEqual([
    'PlatformError',
    'buildDeployable',
    'createPlatform',
    'findSources',
    'toFunctionName',
  ]);
});
