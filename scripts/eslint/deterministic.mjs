import { isBuiltin } from 'node:module';

const CLOCK = 'reads a clock: take time from the event or from an argument';
const RANDOM = 'is random: the same input must give the same bytes';
const TIMER = 'is a timer: only the watermark decides when something happens';
const INPUT_OUTPUT = 'reaches outside: hand the data in, or let the application do it';
const ENVIRONMENT = 'depends on the machine: take the value as an argument';
const LOCALE = 'depends on locale or ICU version: compare and format by code units';
const LOCAL_TIME = 'depends on the time zone of the machine: use the UTC form';
const GARBAGE = 'depends on garbage collection';
const INDIRECT = 'hides what is called from this check';
const ASYNC = 'makes order depend on the task queue: keep the core synchronous';

const FORBIDDEN_GLOBALS = new Map([
  ['performance', CLOCK],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map((name) => [name, TIMER]),
  ['crypto', RANDOM],
  ['process', ENVIRONMENT],
  ['navigator', ENVIRONMENT],
  ['Intl', LOCALE],
  ...['console', 'fetch', 'WebSocket', 'EventSource', 'BroadcastChannel'].map((name) => [name, INPUT_OUTPUT]),
  ...['WeakRef', 'FinalizationRegistry'].map((name) => [name, GARBAGE]),
  ...['globalThis', 'global', 'require', 'eval', 'Function'].map((name) => [name, INDIRECT]),
]);

const LOCAL_TIME_NAME =
  /^([gs]et(Date|Day|FullYear|Hours|Milliseconds|Minutes|Month|Seconds|Year)|getTimezoneOffset|to(Date|Time)String)$/;
const LOCALE_NAME = /^(localeCompare|toLocale[A-Z]\w*)$/;

// An allow-list, because every built-in module that is not named here does I/O or reads the machine.
const ALLOWED_BUILTINS = new Set(['assert', 'assert/strict', 'buffer', 'crypto', 'string_decoder', 'url']);
const ALLOWED_CRYPTO = new Set(['createHash', 'createHmac', 'hash', 'timingSafeEqual']);
// An allow-list, because most other names of RxJS keep time, or state that no snapshot can hold.
const ALLOWED_RXJS = new Set(
  `Observable Subject Subscriber Subscription EMPTY NEVER catchError concat concatAll concatMap concatWith connect defer
  endWith filter finalize from identity ignoreElements iif isObservable map merge mergeAll mergeMap mergeWith noop of pipe
  startWith takeWhile tap throwError`.split(/\s+/),
);
const ALLOWED_RXJS_ASYNC = new Set(['firstValueFrom', 'lastValueFrom']);
const FORBIDDEN_PACKAGES =
  /^(nats|@nats-io\/.*|@nestjs\/.*|rxjs\/.*|fastify|axios|undici|prom-client|commander|cli-progress|typeorm|pg)$/;

/** Refuses, in the deterministic core, whatever could give other bytes on another day, machine or run. */
export const deterministic = {
  meta: {
    type: 'problem',
    schema: [{ type: 'object', properties: { async: { enum: ['allow', 'forbid'] } }, additionalProperties: false }],
    defaultOptions: [{ async: 'forbid' }],
    messages: { refused: '`{{name}}` {{reason}}' },
  },
  create(context) {
    const isAsyncAllowed = context.options[0].async === 'allow';
    const refuse = (node, name, reason) => context.report({ node, messageId: 'refused', data: { name, reason } });
    const refuseModule = (node, name, reason) => refuse(node, `import of ${name}`, reason);
    return {
      ...(isAsyncAllowed ? {} : asyncVisitors(refuse)),
      'Program:exit': () => checkGlobals(context.sourceCode, isAsyncAllowed, refuse),
      MemberExpression: (node) => checkName(node, staticName(node), refuse),
      'ObjectPattern > Property': (node) => checkName(node, staticKey(node), refuse),
      ImportDeclaration: (node) => checkModule(node, isAsyncAllowed, refuseModule),
      'ExportNamedDeclaration[source]': (node) => checkModule(node, isAsyncAllowed, refuseModule),
      ExportAllDeclaration: (node) => checkModule(node, isAsyncAllowed, refuseModule),
      ImportExpression: (node) => refuse(node, 'import()', INDIRECT),
      TSExternalModuleReference: (node) => refuse(node, 'import … = require()', INDIRECT),
    };
  },
};

function asyncVisitors(refuse) {
  return {
    ':function[async=true]': (node) => refuse(node, 'async', ASYNC),
    AwaitExpression: (node) => refuse(node, 'await', ASYNC),
    'ForOfStatement[await=true]': (node) => refuse(node, 'for await', ASYNC),
  };
}

function checkGlobals(sourceCode, isAsyncAllowed, refuse) {
  const { globalScope } = sourceCode.scopeManager;
  const undeclared = globalScope.variables.filter(({ defs }) => defs.length === 0);
  const references = new Set([...globalScope.through, ...undeclared.flatMap((variable) => variable.references)]);
  for (const { identifier, isValueReference } of references) {
    if (isValueReference !== false) checkGlobal(identifier, isAsyncAllowed, refuse);
  }
}

function checkGlobal(identifier, isAsyncAllowed, refuse) {
  const { name } = identifier;
  const reason = FORBIDDEN_GLOBALS.get(name) ?? (name === 'Promise' && !isAsyncAllowed ? ASYNC : undefined);
  if (reason !== undefined) refuse(identifier, name, reason);
  else if (name === 'Math') checkMath(identifier, refuse);
  else if (name === 'Date') checkDate(identifier, refuse);
}

function checkMath(identifier, refuse) {
  const { parent } = identifier;
  const member = parent.type === 'MemberExpression' ? staticName(parent) : undefined;
  if (member === 'random') refuse(parent, 'Math.random', RANDOM);
  else if (member === undefined) refuse(identifier, 'Math', INDIRECT);
}

function checkDate(identifier, refuse) {
  const { parent } = identifier;
  if (parent.type === 'NewExpression' && parent.callee === identifier) checkNewDate(parent, refuse);
  else if (parent.type === 'CallExpression' && parent.callee === identifier) refuse(parent, 'Date()', CLOCK);
  else if (parent.type === 'MemberExpression') {
    const member = staticName(parent);
    if (member === 'now') refuse(parent, 'Date.now', CLOCK);
    else if (member === 'parse') refuse(parent, 'Date.parse', LOCAL_TIME);
    else if (member !== 'UTC') refuse(parent, 'Date', INDIRECT);
  } else if (parent.type !== 'BinaryExpression' || parent.operator !== 'instanceof') {
    refuse(identifier, 'Date', INDIRECT);
  }
}

function checkNewDate(node, refuse) {
  const [first] = node.arguments;
  if (first === undefined) refuse(node, 'new Date()', CLOCK);
  else if (first.type === 'SpreadElement' || node.arguments.length > 1) refuse(node, 'new Date(…, …)', LOCAL_TIME);
  else if (typeof first.value === 'string' || first.type === 'TemplateLiteral')
    refuse(node, 'new Date(text)', LOCAL_TIME);
}

function checkName(node, name, refuse) {
  if (name === undefined) return;
  if (LOCALE_NAME.test(name)) refuse(node, name, LOCALE);
  else if (LOCAL_TIME_NAME.test(name)) refuse(node, name, LOCAL_TIME);
  else if (name === 'systemClock') refuse(node, name, CLOCK);
}

function checkModule(node, isAsyncAllowed, refuseModule) {
  const module = node.source.value;
  const bare = module.replace(/^node:/, '');
  if (isBuiltin(module) && !ALLOWED_BUILTINS.has(bare)) return refuseModule(node, module, INPUT_OUTPUT);
  if (FORBIDDEN_PACKAGES.test(module)) return refuseModule(node, module, INPUT_OUTPUT);
  const isTypeOnly = (part) => part.importKind === 'type' || part.exportKind === 'type';
  if (isTypeOnly(node)) return undefined;
  // A namespace, default or star import could be any name of the module.
  const parts = node.specifiers?.length ? node.specifiers : [node];
  for (const part of parts.filter((each) => !isTypeOnly(each))) {
    const name = (part.imported ?? (node.type === 'ExportNamedDeclaration' ? part.local : undefined))?.name ?? '*';
    const reason = nameReason(bare, name, isAsyncAllowed);
    if (reason !== undefined) refuseModule(part, `${name} from ${module}`, reason);
  }
  return undefined;
}

function nameReason(module, name, isAsyncAllowed) {
  if (module === 'crypto' && !ALLOWED_CRYPTO.has(name)) return RANDOM;
  if (module === '@protego/contracts' && (name === 'systemClock' || name === '*')) return CLOCK;
  if (module !== 'rxjs' || ALLOWED_RXJS.has(name) || (isAsyncAllowed && ALLOWED_RXJS_ASYNC.has(name))) return undefined;
  return 'keeps time, or state that no snapshot can hold: use an operator of streams/src/operators';
}

function staticName({ computed, property }) {
  return computed ? literalText(property) : property.name;
}

function staticKey({ computed, key }) {
  return computed ? literalText(key) : (key.name ?? literalText(key));
}

function literalText(node) {
  return typeof node.value === 'string' ? node.value : undefined;
}
