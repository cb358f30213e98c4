// Builds dist/: the library with its scaling objects by themselves, the bin, and types.
import { build } from 'rolldown';
import { buildWithBin } from '../build-with-bin.js';

await buildWithBin(build, ['index', 'objects']);
