// What the part of glue that jco writes for one component may hold, as data: names, shapes by name, and the words
// that are never accepted. Found by transpiling every form of component that the tiers allow (see the tests' corpus).

/** A set of words, written as a text. */
function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/**
 * Property names that lead to code from text, to prototypes or to the caller, and the meter's namespace, so that glue
 * never passes fuel of its own. Refused as name and as string.
 */
export const DENIED: ReadonlySet<string> = words(`
  constructor __proto__ prototype caller arguments eval Function globalThis __defineGetter__
  __defineSetter__ __lookupGetter__ __lookupSetter__ process mainModule getPrototypeOf
  setPrototypeOf getOwnPropertyDescriptor getOwnPropertyDescriptors getOwnPropertyNames
  getOwnPropertySymbols defineProperties fromEntries species prepareStackTrace captureStackTrace
  stackTraceLimit call apply compile compileStreaming $meter
`);

/** Members by which an object would become another text or number each time it is one. */
export const COERCIONS: ReadonlySet<string> = words('toString valueOf toJSON');

/** Syntax of the component's own part. Everything else is refused unread. */
export const NODE_TYPES: ReadonlySet<string> = words(`
  BlockStatement BreakStatement CatchClause EmptyStatement ExpressionStatement ForOfStatement
  ForStatement FunctionDeclaration IfStatement LabeledStatement ReturnStatement SwitchCase
  SwitchStatement ThrowStatement TryStatement VariableDeclaration VariableDeclarator
  ArrayExpression ArrayPattern ArrowFunctionExpression AssignmentExpression BinaryExpression
  CallExpression ChainExpression ConditionalExpression FunctionExpression Identifier Literal
  LogicalExpression MemberExpression NewExpression ObjectExpression ObjectPattern Property
  SequenceExpression TemplateElement TemplateLiteral UnaryExpression UpdateExpression
`);

/** Operators whose result is a number or a bigint, whatever the operands are. */
export const NUMERIC_OPERATORS: ReadonlySet<string> = words('<< >> >>> & | ^ - * % /');

export const OPERATORS: ReadonlySet<string> = new Set([
  ...NUMERIC_OPERATORS,
  ...words('+ < <= > >= == != === !== instanceof'),
]);

/** The language's own objects that the component's part may name, each only in the places given. */
export const GLOBALS = {
  call: words('BigInt Number'),
  method: words('Array.isArray BigInt.asUintN BigInt.asIntN JSON.stringify'),
  construct: words('DataView Error TypeError RangeError Map Set'),
  /** Lists of numbers, of a copy that was paid for, and the bytes of a host's. */
  view: words(`
  Int8Array Uint8Array Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array
  Float32Array Float64Array
`),
  instanceof: words('Error'),
} as const;

/** No declaration of glue may have one of these names: jco's own functions mean the language's object by them. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  ...GLOBALS.call,
  ...GLOBALS.construct,
  ...GLOBALS.view,
  ...words(`
  Array JSON Object WebAssembly Math String Symbol TextDecoder TextEncoder ArrayBuffer Promise
  undefined NaN Infinity arguments eval Reflect Function Proxy globalThis process getCoreModule
  imports instantiateCore instantiate _charge _marks
`),
]);

/** jco's functions that the component's part may call with any argument: none reads a property by a given name. */
export const CALLABLE: ReadonlySet<string> = words(`
  _clearCurrentTask _getGlobalCurrentTaskMeta _guardMayLeave _setGlobalCurrentTaskMeta
  _suspendingImport _trackHostOperation
  _withGlobalCurrentTaskMeta clampGuest clearCurrentTask createNewCurrentTask dataView f32ToI32
  f64ToI64 i32ToF32 i64ToF64 i32ToF32I i32ToF32F i64ToF64I i64ToF64F finalizationRegistryCreate
  getCurrentTask getErrorPayload getOrCreateAsyncState rscTableCreateOwn rscTableCreateBorrow
  rscTableGet rscTableRemove throwInvalidBool toInt8 toUint8 toInt16 toUint16 toInt32 toUint32
  toInt64 toUint64 toString validateGuestChar validateHostChar i32ToChar waitInSynchronousGlue
  _checkMayLeave _enterComponent _leaveComponent _isTrap _admitElements _countElements _payElements
  _liftBytes _liftUtf8 _liftUtf16 _copyUtf8 _lowerBytes _repOf
  _lowerUtf8 _lowerUtf16 _setInt8 _setUint8 _setInt16 _setUint16 _setInt32 _setUint32 _setBigInt64 _setBigUint64
  _setFloat32 _setFloat64
`);

/** jco's functions that may be bound to leading arguments, which are literal too. */
export const BINDABLE: ReadonlySet<string> = words(`
  _lowerImportBackwardsCompat _requireValidNumericPrimitive contextGet contextSet
  rscTableCreateOwn subtaskCancel subtaskDrop taskCancel waitableJoin waitableSetDrop
  waitableSetNew waitableSetWait waitableSetPoll resourceTransferOwn resourceTransferBorrow
`);

/** jco's functions that become a core import as they are: `const trampoline3 = …`. */
export const TRAMPOLINES: ReadonlySet<string> = words(`
  _symmetricSyncGuestCallEnter _symmetricSyncGuestCallExit resourceTransferOwn
  resourceTransferBorrow
`);

/** jco's symbols: the only keys that are no literal and no number. */
export const SYMBOLS: ReadonlySet<string> = words(
  'symbolCabiDispose symbolDispose symbolRscHandle symbolRscRep',
);

/** Methods that the component's part calls on jco's objects and on the language's; `splice` is one of WASI's, too. */
export const METHODS: ReadonlySet<string> = words(`
  componentIdx delete drop enterSync exit get getLatestSubtask id getBigInt64 getBigUint64
  getFloat32 getFloat64 getInt16 getInt32 getInt8 getUint16 getUint32 getUint8
  isExited isResolvedState markTrapped mayBlock push register reject resolve set setCalleeIsAsync
  setErrored setParentSubtask setReturnMemory setReturnMemoryIdx throwIfTrapped unregister
  splice
`);

/**
 * Methods of the language's objects; a host's resource has none of these names but those of METHODS. Those that write
 * numbers are among them: into memory they would write what nobody marks.
 */
export const BUILTIN_METHODS: ReadonlySet<string> = words(`
  setBigInt64 setBigUint64 setFloat32 setFloat64 setInt16 setInt32 setInt8 setUint16 setUint32 setUint8
  at bind catch charAt charCodeAt codePointAt concat copyWithin encode encodeInto endsWith entries
  every fill filter finally find findIndex findLast findLastIndex flat flatMap forEach grow has
  hasOwnProperty includes indexOf isPrototypeOf isWellFormed join keys lastIndexOf localeCompare
  map match matchAll next normalize padEnd padStart pop propertyIsEnumerable reduce add
  reduceRight repeat replace replaceAll resize return reverse search shift some sort split
  startsWith subarray substr substring test exec then throw toFixed toLocaleString toLowerCase
  toReversed toSorted toSpliced toString clear toUpperCase toWellFormed transfer trim trimEnd
  trimStart unshift valueOf values with decode slice deref anchor link big bold sub sup raw description
`);

/** Members of jco's objects that the component's part may set, by name. */
export const SETTABLE: ReadonlySet<string> = words('mayLeave value fnName _createdReps _componentIdx');

/** Members of the language's and jco's objects whose names are no label of WIT. */
export const OTHER_MEMBERS: ReadonlySet<string> = words('_componentIdx _createdReps');
