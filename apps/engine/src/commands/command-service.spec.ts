import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { NatsConnection } from 'nats';
import type { ProtegoConfig } from '@protego/contracts';
import { CommandService } from './command-service';
import type { LogCommands } from './log-commands.service';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

type Handler = (error: null, message: unknown) => void;

describe('CommandService', () => {
  it('keeps nothing of its last answer, which may be what was revealed', async () => {
    const handlers = new Map<string, Handler>();
    const service = {
      addEndpoint: (name: string, { handler }: { handler: Handler }) => void handlers.set(name, handler),
    };
    const connection = { services: { add: async () => service } };
    const answers: WeakRef<object>[] = [];
    const run = async (): Promise<object> => {
      const answer = { records: ['revealed'] };
      answers.push(new WeakRef<object>(answer));
      return answer;
    };
    const commands = new CommandService({ site: 'north' } as ProtegoConfig, { run } as unknown as LogCommands);
    await commands.start(connection as unknown as NatsConnection);
    const responses: unknown[] = [];
    const data = Buffer.from(JSON.stringify({ selection: { fromSeq: 0 }, reason: 'case' }));
    const message = { data, respond: (text: string) => responses.push(text), respondError: () => undefined };
    handlers.get('reveal')?.(null, message);
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(responses).toEqual(['{"records":["revealed"]}']);
    expect(answers.map((answer) => answer.deref())).toEqual([undefined]);
  });
});
