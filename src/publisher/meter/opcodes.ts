// Codes of the operators that metering writes or tells from others by name. The whole set is operators.ts's.

export const UNREACHABLE = 0x00;
export const NOP = 0x01;
export const BLOCK = 0x02;
export const LOOP = 0x03;
export const IF = 0x04;
export const ELSE = 0x05;
export const END = 0x0b;
export const BRANCH = 0x0c;
export const BRANCH_IF = 0x0d;
export const BRANCH_TABLE = 0x0e;
export const RETURN = 0x0f;
export const CALL = 0x10;
export const CALL_INDIRECT = 0x11;
export const DROP = 0x1a;
export const SELECT = 0x1b;
export const LOCAL_GET = 0x20;
export const LOCAL_SET = 0x21;
export const LOCAL_TEE = 0x22;
export const GLOBAL_GET = 0x23;
export const GLOBAL_SET = 0x24;
export const TABLE_SET = 0x26;
export const I32_STORE8 = 0x3a;
export const MEMORY_SIZE = 0x3f;
export const MEMORY_GROW = 0x40;
export const I32_CONST = 0x41;
export const I64_CONST = 0x42;
export const F32_CONST = 0x43;
export const F64_CONST = 0x44;
export const I32_EQ = 0x46;
export const I32_LT_S = 0x48;
export const I32_GT_U = 0x4b;
export const I32_LE_U = 0x4d;
export const I64_LT_S = 0x53;
export const I64_LE_U = 0x58;
export const F32_NE = 0x5c;
export const F64_NE = 0x62;
export const I32_ADD = 0x6a;
export const I32_SUB = 0x6b;
export const I32_AND = 0x71;
export const I32_OR = 0x72;
export const I32_SHR_U = 0x76;
export const I64_ADD = 0x7c;
export const I64_SUB = 0x7d;
export const I64_MUL = 0x7e;
export const I64_SHR_U = 0x88;
export const I64_EXTEND_I32_U = 0xad;
export const REF_FUNC = 0xd2;

/** Behind the prefix 0xfc. */
export const MEMORY_INIT = 0x08;
export const DATA_DROP = 0x09;
export const MEMORY_COPY = 0x0a;
export const MEMORY_FILL = 0x0b;
export const TABLE_INIT = 0x0c;
export const ELEM_DROP = 0x0d;
export const TABLE_COPY = 0x0e;
export const TABLE_GROW = 0x0f;
export const TABLE_SIZE = 0x10;
export const TABLE_FILL = 0x11;

/** Behind the prefix 0xfd. */
export const V128_CONST = 0x0c;
export const F32X4_EQ = 0x41;
export const F64X2_EQ = 0x47;
export const V128_BITSELECT = 0x52;

/** The block type of a block without parameters and results. */
export const NO_RESULT = 0x40;
