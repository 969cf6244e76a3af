// Every operator of the supported WebAssembly set, as data: binary code, name, immediates, stack effect and cost
// class, and which proposals the codes outside the set belong to. Source: WebAssembly core specification 2.0, "Index of
// Instructions" (the tables below follow its order), and the proposals' own overviews. Trusts nothing of a guest's;
// a slip in the tables is a bug that the module finds out about when it is loaded.

/** What follows an operator's code in the binary. */
export const IMMEDIATES = [
  'none',
  'block', // block type
  'label',
  'labels', // br_table
  'function', // call
  'indirect', // type, table
  'local',
  'global',
  'table',
  'memarg', // alignment, offset
  'memory', // memory index, one byte of zero
  'i32',
  'i64',
  'f32',
  'f64',
  'v128',
  'lane',
  'shuffle', // 16 lanes
  'memarg+lane',
  'types', // select with types
  'reftype', // ref.null
  'ref.func',
  'data+memory',
  'data',
  'memory+memory',
  'elem+table',
  'elem',
  'table+table',
] as const;

export type Immediate = (typeof IMMEDIATES)[number];

/**
 * How an operator treats the payload of a NaN. `canon`: its result may be a NaN of any payload, and no payload of an
 * operand shows in the result otherwise; `blind`: operands' payloads show in no result; `bits`: neither.
 */
export type NanRole = 'canon' | 'blind' | 'bits';

/** One operator. Letters of the stack effect: i i32, I i64, f f32, F f64, v v128, r reference, ? any. */
export interface Operator {
  /** One byte, or `0x100 + n` for 0xfc n, `0x140 + n` for 0xfd n. */
  readonly id: number;
  readonly name: string;
  readonly immediate: Immediate;
  readonly pops: string;
  readonly pushes: string;
  /** Whether the effect depends on immediates and the walk knows it: `*` in the table. */
  readonly shaped: boolean;
  /** A key of `classes` in costs.json. */
  readonly cost: string;
  readonly nan: NanRole;
}

export const PREFIX_FC = 0xfc;
export const PREFIX_FD = 0xfd;
/** Ids of operators behind the prefix 0xfc start here; there is room for 64. */
export const ID_FC = 0x100;
/** Ids of operators behind the prefix 0xfd start here; there is room for 256. */
export const ID_FD = 0x140;
/** One more than the largest id. */
export const OPERATOR_IDS = 0x240;

// code, name, immediates, stack effect, cost class, NaN role (bits unless given)
const CORE = `
00 unreachable none * nop
01 nop none > nop
02 block block * nop
03 loop block * loop
04 if block * branch
05 else none * nop
0b end none * nop
0c br label * branch
0d br_if label * branch
0e br_table labels * br_table
0f return none * branch
10 call function * call
11 call_indirect indirect * call_indirect
1a drop none ?> simple blind
1b select none ??i>? select
1c select_t types ??i>? select
20 local.get local >? local
21 local.set local ?> local
22 local.tee local ?>? local
23 global.get global >? global
24 global.set global ?> global
25 table.get table i>r table_get
26 table.set table ir> table_set
28 i32.load memarg i>i load
29 i64.load memarg i>I load
2a f32.load memarg i>f load
2b f64.load memarg i>F load
2c i32.load8_s memarg i>i load
2d i32.load8_u memarg i>i load
2e i32.load16_s memarg i>i load
2f i32.load16_u memarg i>i load
30 i64.load8_s memarg i>I load
31 i64.load8_u memarg i>I load
32 i64.load16_s memarg i>I load
33 i64.load16_u memarg i>I load
34 i64.load32_s memarg i>I load
35 i64.load32_u memarg i>I load
36 i32.store memarg ii> store
37 i64.store memarg iI> store
38 f32.store memarg if> store
39 f64.store memarg iF> store
3a i32.store8 memarg ii> store
3b i32.store16 memarg ii> store
3c i64.store8 memarg iI> store
3d i64.store16 memarg iI> store
3e i64.store32 memarg iI> store
3f memory.size memory >i simple
40 memory.grow memory i>i memory_grow
41 i32.const i32 >i constant
42 i64.const i64 >I constant
43 f32.const f32 >f constant
44 f64.const f64 >F constant
45 i32.eqz none i>i simple
46 i32.eq none ii>i simple
47 i32.ne none ii>i simple
48 i32.lt_s none ii>i simple
49 i32.lt_u none ii>i simple
4a i32.gt_s none ii>i simple
4b i32.gt_u none ii>i simple
4c i32.le_s none ii>i simple
4d i32.le_u none ii>i simple
4e i32.ge_s none ii>i simple
4f i32.ge_u none ii>i simple
50 i64.eqz none I>i simple
51 i64.eq none II>i simple
52 i64.ne none II>i simple
53 i64.lt_s none II>i simple
54 i64.lt_u none II>i simple
55 i64.gt_s none II>i simple
56 i64.gt_u none II>i simple
57 i64.le_s none II>i simple
58 i64.le_u none II>i simple
59 i64.ge_s none II>i simple
5a i64.ge_u none II>i simple
5b f32.eq none ff>i float_compare blind
5c f32.ne none ff>i float_compare blind
5d f32.lt none ff>i float_compare blind
5e f32.gt none ff>i float_compare blind
5f f32.le none ff>i float_compare blind
60 f32.ge none ff>i float_compare blind
61 f64.eq none FF>i float_compare blind
62 f64.ne none FF>i float_compare blind
63 f64.lt none FF>i float_compare blind
64 f64.gt none FF>i float_compare blind
65 f64.le none FF>i float_compare blind
66 f64.ge none FF>i float_compare blind
67 i32.clz none i>i simple
68 i32.ctz none i>i simple
69 i32.popcnt none i>i simple
6a i32.add none ii>i simple
6b i32.sub none ii>i simple
6c i32.mul none ii>i multiply
6d i32.div_s none ii>i divide
6e i32.div_u none ii>i divide
6f i32.rem_s none ii>i divide
70 i32.rem_u none ii>i divide
71 i32.and none ii>i simple
72 i32.or none ii>i simple
73 i32.xor none ii>i simple
74 i32.shl none ii>i simple
75 i32.shr_s none ii>i simple
76 i32.shr_u none ii>i simple
77 i32.rotl none ii>i simple
78 i32.rotr none ii>i simple
79 i64.clz none I>I simple
7a i64.ctz none I>I simple
7b i64.popcnt none I>I simple
7c i64.add none II>I simple
7d i64.sub none II>I simple
7e i64.mul none II>I multiply
7f i64.div_s none II>I divide
80 i64.div_u none II>I divide
81 i64.rem_s none II>I divide
82 i64.rem_u none II>I divide
83 i64.and none II>I simple
84 i64.or none II>I simple
85 i64.xor none II>I simple
86 i64.shl none II>I simple
87 i64.shr_s none II>I simple
88 i64.shr_u none II>I simple
89 i64.rotl none II>I simple
8a i64.rotr none II>I simple
8b f32.abs none f>f simple
8c f32.neg none f>f simple
8d f32.ceil none f>f float canon
8e f32.floor none f>f float canon
8f f32.trunc none f>f float canon
90 f32.nearest none f>f float canon
91 f32.sqrt none f>f float_divide canon
92 f32.add none ff>f float canon
93 f32.sub none ff>f float canon
94 f32.mul none ff>f float canon
95 f32.div none ff>f float_divide canon
96 f32.min none ff>f float canon
97 f32.max none ff>f float canon
98 f32.copysign none ff>f simple
99 f64.abs none F>F simple
9a f64.neg none F>F simple
9b f64.ceil none F>F float canon
9c f64.floor none F>F float canon
9d f64.trunc none F>F float canon
9e f64.nearest none F>F float canon
9f f64.sqrt none F>F float_divide canon
a0 f64.add none FF>F float canon
a1 f64.sub none FF>F float canon
a2 f64.mul none FF>F float canon
a3 f64.div none FF>F float_divide canon
a4 f64.min none FF>F float canon
a5 f64.max none FF>F float canon
a6 f64.copysign none FF>F simple
a7 i32.wrap_i64 none I>i simple
a8 i32.trunc_f32_s none f>i convert blind
a9 i32.trunc_f32_u none f>i convert blind
aa i32.trunc_f64_s none F>i convert blind
ab i32.trunc_f64_u none F>i convert blind
ac i64.extend_i32_s none i>I simple
ad i64.extend_i32_u none i>I simple
ae i64.trunc_f32_s none f>I convert blind
af i64.trunc_f32_u none f>I convert blind
b0 i64.trunc_f64_s none F>I convert blind
b1 i64.trunc_f64_u none F>I convert blind
b2 f32.convert_i32_s none i>f convert
b3 f32.convert_i32_u none i>f convert
b4 f32.convert_i64_s none I>f convert
b5 f32.convert_i64_u none I>f convert
b6 f32.demote_f64 none F>f float canon
b7 f64.convert_i32_s none i>F convert
b8 f64.convert_i32_u none i>F convert
b9 f64.convert_i64_s none I>F convert
ba f64.convert_i64_u none I>F convert
bb f64.promote_f32 none f>F float canon
bc i32.reinterpret_f32 none f>i simple
bd i64.reinterpret_f64 none F>I simple
be f32.reinterpret_i32 none i>f simple
bf f64.reinterpret_i64 none I>F simple
c0 i32.extend8_s none i>i simple
c1 i32.extend16_s none i>i simple
c2 i64.extend8_s none I>I simple
c3 i64.extend16_s none I>I simple
c4 i64.extend32_s none I>I simple
d0 ref.null reftype >r simple
d1 ref.is_null none r>i simple
d2 ref.func ref.func >r ref_func
`;

const BULK = `
00 i32.trunc_sat_f32_s none f>i convert blind
01 i32.trunc_sat_f32_u none f>i convert blind
02 i32.trunc_sat_f64_s none F>i convert blind
03 i32.trunc_sat_f64_u none F>i convert blind
04 i64.trunc_sat_f32_s none f>I convert blind
05 i64.trunc_sat_f32_u none f>I convert blind
06 i64.trunc_sat_f64_s none F>I convert blind
07 i64.trunc_sat_f64_u none F>I convert blind
08 memory.init data+memory iii> bulk
09 data.drop data > bulk
0a memory.copy memory+memory iii> bulk
0b memory.fill memory iii> bulk
0c table.init elem+table iii> table_bulk
0d elem.drop elem > table_bulk
0e table.copy table+table iii> table_bulk
0f table.grow table ri>i table_grow
10 table.size table >i simple
11 table.fill table iri> table_bulk
`;

const SIMD = `
00 v128.load memarg i>v load
01 v128.load8x8_s memarg i>v load
02 v128.load8x8_u memarg i>v load
03 v128.load16x4_s memarg i>v load
04 v128.load16x4_u memarg i>v load
05 v128.load32x2_s memarg i>v load
06 v128.load32x2_u memarg i>v load
07 v128.load8_splat memarg i>v load
08 v128.load16_splat memarg i>v load
09 v128.load32_splat memarg i>v load
0a v128.load64_splat memarg i>v load
0b v128.store memarg iv> store
0c v128.const v128 >v simd
0d i8x16.shuffle shuffle vv>v simd
0e i8x16.swizzle none vv>v simd
0f i8x16.splat none i>v simd
10 i16x8.splat none i>v simd
11 i32x4.splat none i>v simd
12 i64x2.splat none I>v simd
13 f32x4.splat none f>v simd
14 f64x2.splat none F>v simd
15 i8x16.extract_lane_s lane v>i simd
16 i8x16.extract_lane_u lane v>i simd
17 i8x16.replace_lane lane vi>v simd
18 i16x8.extract_lane_s lane v>i simd
19 i16x8.extract_lane_u lane v>i simd
1a i16x8.replace_lane lane vi>v simd
1b i32x4.extract_lane lane v>i simd
1c i32x4.replace_lane lane vi>v simd
1d i64x2.extract_lane lane v>I simd
1e i64x2.replace_lane lane vI>v simd
1f f32x4.extract_lane lane v>f simd
20 f32x4.replace_lane lane vf>v simd
21 f64x2.extract_lane lane v>F simd
22 f64x2.replace_lane lane vF>v simd
23 i8x16.eq none vv>v simd
24 i8x16.ne none vv>v simd
25 i8x16.lt_s none vv>v simd
26 i8x16.lt_u none vv>v simd
27 i8x16.gt_s none vv>v simd
28 i8x16.gt_u none vv>v simd
29 i8x16.le_s none vv>v simd
2a i8x16.le_u none vv>v simd
2b i8x16.ge_s none vv>v simd
2c i8x16.ge_u none vv>v simd
2d i16x8.eq none vv>v simd
2e i16x8.ne none vv>v simd
2f i16x8.lt_s none vv>v simd
30 i16x8.lt_u none vv>v simd
31 i16x8.gt_s none vv>v simd
32 i16x8.gt_u none vv>v simd
33 i16x8.le_s none vv>v simd
34 i16x8.le_u none vv>v simd
35 i16x8.ge_s none vv>v simd
36 i16x8.ge_u none vv>v simd
37 i32x4.eq none vv>v simd
38 i32x4.ne none vv>v simd
39 i32x4.lt_s none vv>v simd
3a i32x4.lt_u none vv>v simd
3b i32x4.gt_s none vv>v simd
3c i32x4.gt_u none vv>v simd
3d i32x4.le_s none vv>v simd
3e i32x4.le_u none vv>v simd
3f i32x4.ge_s none vv>v simd
40 i32x4.ge_u none vv>v simd
41 f32x4.eq none vv>v simd
42 f32x4.ne none vv>v simd
43 f32x4.lt none vv>v simd
44 f32x4.gt none vv>v simd
45 f32x4.le none vv>v simd
46 f32x4.ge none vv>v simd
47 f64x2.eq none vv>v simd
48 f64x2.ne none vv>v simd
49 f64x2.lt none vv>v simd
4a f64x2.gt none vv>v simd
4b f64x2.le none vv>v simd
4c f64x2.ge none vv>v simd
4d v128.not none v>v simd
4e v128.and none vv>v simd
4f v128.andnot none vv>v simd
50 v128.or none vv>v simd
51 v128.xor none vv>v simd
52 v128.bitselect none vvv>v simd
53 v128.any_true none v>i simd
54 v128.load8_lane memarg+lane iv>v load
55 v128.load16_lane memarg+lane iv>v load
56 v128.load32_lane memarg+lane iv>v load
57 v128.load64_lane memarg+lane iv>v load
58 v128.store8_lane memarg+lane iv> store
59 v128.store16_lane memarg+lane iv> store
5a v128.store32_lane memarg+lane iv> store
5b v128.store64_lane memarg+lane iv> store
5c v128.load32_zero memarg i>v load
5d v128.load64_zero memarg i>v load
5e f32x4.demote_f64x2_zero none v>v simd_float canon
5f f64x2.promote_low_f32x4 none v>v simd_float canon
60 i8x16.abs none v>v simd
61 i8x16.neg none v>v simd
62 i8x16.popcnt none v>v simd
63 i8x16.all_true none v>i simd
64 i8x16.bitmask none v>i simd
65 i8x16.narrow_i16x8_s none vv>v simd
66 i8x16.narrow_i16x8_u none vv>v simd
67 f32x4.ceil none v>v simd_float canon
68 f32x4.floor none v>v simd_float canon
69 f32x4.trunc none v>v simd_float canon
6a f32x4.nearest none v>v simd_float canon
6b i8x16.shl none vi>v simd
6c i8x16.shr_s none vi>v simd
6d i8x16.shr_u none vi>v simd
6e i8x16.add none vv>v simd
6f i8x16.add_sat_s none vv>v simd
70 i8x16.add_sat_u none vv>v simd
71 i8x16.sub none vv>v simd
72 i8x16.sub_sat_s none vv>v simd
73 i8x16.sub_sat_u none vv>v simd
74 f64x2.ceil none v>v simd_float canon
75 f64x2.floor none v>v simd_float canon
76 i8x16.min_s none vv>v simd
77 i8x16.min_u none vv>v simd
78 i8x16.max_s none vv>v simd
79 i8x16.max_u none vv>v simd
7a f64x2.trunc none v>v simd_float canon
7b i8x16.avgr_u none vv>v simd
7c i16x8.extadd_pairwise_i8x16_s none v>v simd
7d i16x8.extadd_pairwise_i8x16_u none v>v simd
7e i32x4.extadd_pairwise_i16x8_s none v>v simd
7f i32x4.extadd_pairwise_i16x8_u none v>v simd
80 i16x8.abs none v>v simd
81 i16x8.neg none v>v simd
82 i16x8.q15mulr_sat_s none vv>v simd
83 i16x8.all_true none v>i simd
84 i16x8.bitmask none v>i simd
85 i16x8.narrow_i32x4_s none vv>v simd
86 i16x8.narrow_i32x4_u none vv>v simd
87 i16x8.extend_low_i8x16_s none v>v simd
88 i16x8.extend_high_i8x16_s none v>v simd
89 i16x8.extend_low_i8x16_u none v>v simd
8a i16x8.extend_high_i8x16_u none v>v simd
8b i16x8.shl none vi>v simd
8c i16x8.shr_s none vi>v simd
8d i16x8.shr_u none vi>v simd
8e i16x8.add none vv>v simd
8f i16x8.add_sat_s none vv>v simd
90 i16x8.add_sat_u none vv>v simd
91 i16x8.sub none vv>v simd
92 i16x8.sub_sat_s none vv>v simd
93 i16x8.sub_sat_u none vv>v simd
94 f64x2.nearest none v>v simd_float canon
95 i16x8.mul none vv>v simd
96 i16x8.min_s none vv>v simd
97 i16x8.min_u none vv>v simd
98 i16x8.max_s none vv>v simd
99 i16x8.max_u none vv>v simd
9b i16x8.avgr_u none vv>v simd
9c i16x8.extmul_low_i8x16_s none vv>v simd
9d i16x8.extmul_high_i8x16_s none vv>v simd
9e i16x8.extmul_low_i8x16_u none vv>v simd
9f i16x8.extmul_high_i8x16_u none vv>v simd
a0 i32x4.abs none v>v simd
a1 i32x4.neg none v>v simd
a3 i32x4.all_true none v>i simd
a4 i32x4.bitmask none v>i simd
a7 i32x4.extend_low_i16x8_s none v>v simd
a8 i32x4.extend_high_i16x8_s none v>v simd
a9 i32x4.extend_low_i16x8_u none v>v simd
aa i32x4.extend_high_i16x8_u none v>v simd
ab i32x4.shl none vi>v simd
ac i32x4.shr_s none vi>v simd
ad i32x4.shr_u none vi>v simd
ae i32x4.add none vv>v simd
b1 i32x4.sub none vv>v simd
b5 i32x4.mul none vv>v simd
b6 i32x4.min_s none vv>v simd
b7 i32x4.min_u none vv>v simd
b8 i32x4.max_s none vv>v simd
b9 i32x4.max_u none vv>v simd
ba i32x4.dot_i16x8_s none vv>v simd
bc i32x4.extmul_low_i16x8_s none vv>v simd
bd i32x4.extmul_high_i16x8_s none vv>v simd
be i32x4.extmul_low_i16x8_u none vv>v simd
bf i32x4.extmul_high_i16x8_u none vv>v simd
c0 i64x2.abs none v>v simd
c1 i64x2.neg none v>v simd
c3 i64x2.all_true none v>i simd
c4 i64x2.bitmask none v>i simd
c7 i64x2.extend_low_i32x4_s none v>v simd
c8 i64x2.extend_high_i32x4_s none v>v simd
c9 i64x2.extend_low_i32x4_u none v>v simd
ca i64x2.extend_high_i32x4_u none v>v simd
cb i64x2.shl none vi>v simd
cc i64x2.shr_s none vi>v simd
cd i64x2.shr_u none vi>v simd
ce i64x2.add none vv>v simd
d1 i64x2.sub none vv>v simd
d5 i64x2.mul none vv>v simd
d6 i64x2.eq none vv>v simd
d7 i64x2.ne none vv>v simd
d8 i64x2.lt_s none vv>v simd
d9 i64x2.gt_s none vv>v simd
da i64x2.le_s none vv>v simd
db i64x2.ge_s none vv>v simd
dc i64x2.extmul_low_i32x4_s none vv>v simd
dd i64x2.extmul_high_i32x4_s none vv>v simd
de i64x2.extmul_low_i32x4_u none vv>v simd
df i64x2.extmul_high_i32x4_u none vv>v simd
e0 f32x4.abs none v>v simd
e1 f32x4.neg none v>v simd
e3 f32x4.sqrt none v>v simd_divide canon
e4 f32x4.add none vv>v simd_float canon
e5 f32x4.sub none vv>v simd_float canon
e6 f32x4.mul none vv>v simd_float canon
e7 f32x4.div none vv>v simd_divide canon
e8 f32x4.min none vv>v simd_float canon
e9 f32x4.max none vv>v simd_float canon
ea f32x4.pmin none vv>v simd
eb f32x4.pmax none vv>v simd
ec f64x2.abs none v>v simd
ed f64x2.neg none v>v simd
ef f64x2.sqrt none v>v simd_divide canon
f0 f64x2.add none vv>v simd_float canon
f1 f64x2.sub none vv>v simd_float canon
f2 f64x2.mul none vv>v simd_float canon
f3 f64x2.div none vv>v simd_divide canon
f4 f64x2.min none vv>v simd_float canon
f5 f64x2.max none vv>v simd_float canon
f6 f64x2.pmin none vv>v simd
f7 f64x2.pmax none vv>v simd
f8 i32x4.trunc_sat_f32x4_s none v>v simd
f9 i32x4.trunc_sat_f32x4_u none v>v simd
fa f32x4.convert_i32x4_s none v>v simd
fb f32x4.convert_i32x4_u none v>v simd
fc i32x4.trunc_sat_f64x2_s_zero none v>v simd
fd i32x4.trunc_sat_f64x2_u_zero none v>v simd
fe f64x2.convert_low_i32x4_s none v>v simd
ff f64x2.convert_low_i32x4_u none v>v simd
`;

/** All supported operators, in the order of their ids. */
export const OPERATORS: readonly Operator[] = [
  ...readTable(CORE, 0),
  ...readTable(BULK, ID_FC),
  ...readTable(SIMD, ID_FD),
];

// Proposals whose operators are refused: first and last code, both hexadecimal, then the proposal's name.
const REFUSED = `
06 0a exception handling
12 13 tail calls
14 15 typed function references
18 19 exception handling
1f 1f exception handling
d3 d3 garbage collection
d4 d6 typed function references
e0 e6 stack switching
fb fb garbage collection
fe fe threads
`;

const REFUSED_FC = `
12 12 memory control
13 16 wide arithmetic
`;

/** The proposal that a code outside the supported set belongs to; undefined where no proposal known here has it. */
export function proposalOf(prefix: number, code: number): string | undefined {
  if (prefix === PREFIX_FD) return code >= 0x100 && code <= 0x12f ? 'relaxed SIMD' : undefined;
  for (const line of (prefix === PREFIX_FC ? REFUSED_FC : REFUSED).trim().split('\n')) {
    const [first = '', last = '', ...name] = line.split(' ');
    if (code >= parseInt(first, 16) && code <= parseInt(last, 16)) return name.join(' ');
  }
  return undefined;
}

function readTable(table: string, base: number): Operator[] {
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [code = '', name = '', immediate = '', effect = '', cost = '', nan = 'bits'] = line.split(' ');
      const [pops, pushes] = effect === '*' ? ['', ''] : effect.split('>');
      if (
        pops === undefined ||
        pushes === undefined ||
        cost === '' ||
        !isImmediate(immediate) ||
        !isNan(nan)
      ) {
        throw new TypeError(`operator table: ${line}`);
      }
      return {
        id: base + parseInt(code, 16),
        name,
        immediate,
        pops,
        pushes,
        shaped: effect === '*',
        cost,
        nan,
      };
    });
}

function isImmediate(text: string): text is Immediate {
  return (IMMEDIATES as readonly string[]).includes(text);
}

function isNan(text: string): text is NanRole {
  return text === 'canon' || text === 'blind' || text === 'bits';
}
