// The ./testing export: a collector in process, and what it collects as trees.
export {
  startCollector,
  type CollectedInstance,
  type CollectedSegment,
  type Collector,
  type CollectorBehaviour,
  type CollectorOptions,
} from './skywalking/collector.ts';
export { renderTraceTree, type TreeSegment } from './skywalking/trace-tree.ts';
