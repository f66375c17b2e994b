import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { simulateHospital } from '@protego/simulation';
import { makePart, type PartMakerOptions, type PartOrder } from './history-part';

// A thread of `protego simulate`: makes the parts that it is told to.
const port = parentPort as MessagePort;
const simulation = simulateHospital((workerData as PartMakerOptions).simulation);
port.on('message', (order: PartOrder) => {
  const part = makePart(simulation, order);
  port.postMessage(part, [part.lines.buffer as ArrayBuffer, part.member.buffer as ArrayBuffer]);
});
