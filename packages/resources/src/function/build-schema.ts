// `spec.build`: how the image of a function is made.
import * as v from 'valibot';
import { Count, Duration, SecretRef, Text, Variables } from './primitives.ts';

const KeyRef = v.strictObject({ name: Text, key: Text });

const SINGLE_VALUE = {
  value: v.exactOptional(v.string()),
  configMapValue: v.exactOptional(KeyRef),
  secretValue: v.exactOptional(KeyRef),
};

const Shipwright = v.strictObject({
  strategy: v.exactOptional(
    v.strictObject({
      name: Text,
      kind: v.exactOptional(
        v.picklist(
          ['BuildStrategy', 'ClusterBuildStrategy'],
          'must be BuildStrategy or ClusterBuildStrategy',
        ),
      ),
    }),
  ),
  params: v.exactOptional(
    v.array(
      v.strictObject({
        ...SINGLE_VALUE,
        name: Text,
        values: v.exactOptional(v.array(v.strictObject(SINGLE_VALUE))),
      }),
    ),
  ),
  timeout: v.exactOptional(Duration),
});

const SrcRepo = v.pipe(
  v.strictObject({
    url: v.exactOptional(v.string()),
    bundleContainer: v.exactOptional(v.strictObject({ image: Text })),
    revision: v.exactOptional(v.string()),
    sourceSubPath: v.exactOptional(v.string()),
    credentials: v.exactOptional(SecretRef),
  }),
  v.check(
    ({ bundleContainer, url = '' }) => url !== '' || bundleContainer !== undefined,
    'needs url or bundleContainer',
  ),
);

/** What a Function and a Builder say of the build alike. */
export const BUILD_ENTRIES = {
  builder: v.exactOptional(v.string()),
  builderCredentials: v.exactOptional(SecretRef),
  shipwright: v.exactOptional(Shipwright),
  env: v.exactOptional(Variables),
  srcRepo: SrcRepo,
  dockerfile: v.exactOptional(v.string()),
  timeout: v.exactOptional(Duration),
  successfulBuildsHistoryLimit: v.exactOptional(Count),
  failedBuildsHistoryLimit: v.exactOptional(Count),
  builderMaxAge: v.exactOptional(Duration),
};

export const Build = v.pipe(
  v.strictObject(BUILD_ENTRIES),
  v.forward(
    v.check(
      ({ builder, dockerfile }) => builder !== undefined || dockerfile !== undefined,
      'is needed where there is no dockerfile',
    ),
    ['builder'],
  ),
);

/** `spec.build` of a Function. */
export interface BuildSpec extends v.InferOutput<typeof Build> {}
