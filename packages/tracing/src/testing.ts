// The ./testing export: a collector in process, and what it collects as trees.
export {
  startCollector,
  type CollectedInstance,
  type CollectedSegment,
  type Collector,
  type CollectorBehaviour,
  type CollectorOptions,
} from './testing/collector.ts';
export { renderTraceTree, type TreeSegment } from './testing/trace-tree.ts';
