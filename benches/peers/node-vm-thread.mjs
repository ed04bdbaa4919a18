import { parentPort } from 'node:worker_threads';
import * as context from './context.mjs';
import { messageOf } from './error.mjs';

const held = [];

function perform({ source, input }) {
  try {
    return { value: context.run(source, input) };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

parentPort.on('message', (job) => {
  if (job.hold) held.push(context.hold(job.source));
  else parentPort.postMessage(perform(job));
});
