// Builds dist/: the library, the bin, and types.
import { build } from 'rolldown';
import { buildWithBin } from '../build-with-bin.js';

await buildWithBin(build);
