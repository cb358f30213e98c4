import { expect, test } from 'vitest';
import {
  describeBuilder,
  describeFunction,
  describeInstance,
  describeServing,
} from './description.ts';
import { BUILDER, EVENT, FUNCTION, INSTANCE, NOW, SERVING } from './output.fixture.ts';

test('a function is told in full: its build, its serving, its triggers, processes and events', () => {
  expect(describeFunction(FUNCTION, [INSTANCE], [EVENT], NOW)).toBe(`\
Name:         hello
Namespace:    default
Labels:       <none>
Annotations:  a=1
              b=2
Created:      2026-01-01T00:05:00Z
Image:        example/hello:v1
Build:
  State:     Succeeded
  Duration:  12ms
  Builder:   builder-1
Serving:
  State:    Failed
  Reason:   CrashLoopBackOff
  Message:  it ended:
            exit code 1
  Serving:  serving-1
  Timeout:  1m
Triggers:
  topic: mq/orders
  binding: cron
Addresses:
  http://localhost:8080/
Instances:
  Name        State   PID   Address          Age
  ----        -----   ---   -------          ---
  hello-1-1   ready   42    127.0.0.1:4000   5m
Events:
  Type      Reason    Age                From                Message
  ----      ------    ---                ----                -------
  Warning   BackOff   30s (x3 over 2m)   serving/serving-1   Back-off restarting instance: exit code 1
`);
});

test('what there is none of is <none>, and what is not known is left out', () => {
  const { status: _, ...bare } = FUNCTION;
  const text = describeFunction(bare, [], [], NOW);
  expect(text).toContain('Addresses:\n  <none>\nInstances:\n  <none>\nEvents:\n  <none>\n');
  expect(text).not.toMatch(/State|undefined/);
});

test('builders, servings and instances are told with what is theirs', () => {
  expect(describeBuilder(BUILDER, [], NOW)).toMatch(
    /^Name: +builder-1\n[^]*Labels: +openfunction\.io\/function=hello\n[^]*Revision: +abc\n[^]*Duration: +12ms\n/,
  );
  expect(describeServing(SERVING, [INSTANCE], [EVENT], NOW)).toMatch(
    /^Name: +serving-1\n[^]*State: +Running\n[^]*hello-1-1 +ready[^]*BackOff/,
  );
  expect(describeInstance(INSTANCE)).toMatch(
    /State: +ready\nPID: +42\nAddress: +127\.0\.0\.1:4000\n$/,
  );
});
