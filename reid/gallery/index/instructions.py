"""Two operations for compiled loops that are told to the compiler itself.

Machine code is kept until the file of the loop changes: whoever changes this file must also touch the one that uses it.
"""

from typing import Any

from reid.gallery.index.codes import STEP


def product_of_rows() -> Any:
    """A compiler's function `product(codes, row, numbers)`: the product of a row of int8 and a row of int16, int32.

    It is told in vectors, which the compiler makes of them what the processor has: twice as fast as what it
    makes of a loop.
    """
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    whole, index = ir.IntType(32), ir.IntType(64)
    wide = ir.VectorType(whole, STEP)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        codes = context.make_array(signature.args[0])(context, builder, arguments[0])
        numbers = context.make_array(signature.args[2])(context, builder, arguments[2])
        width = builder.extract_value(codes.shape, 1)
        row = builder.gep(codes.data, [builder.mul(arguments[1], width)])
        total = cgutils.alloca_once_value(builder, ir.Constant(wide, None))  # type: ignore[no-untyped-call]
        steps = cgutils.for_range_slice(builder, ir.Constant(index, 0), width, ir.Constant(index, STEP), index)
        with steps as (place, _):
            parts = []
            for start, bits in ((row, 8), (numbers.data, 16)):
                kind = ir.VectorType(ir.IntType(bits), STEP).as_pointer()
                parts.append(builder.load(builder.bitcast(builder.gep(start, [place]), kind), align=bits // 8))
            left, right = (builder.sext(part, wide) for part in parts)
            builder.store(builder.add(builder.load(total), builder.mul(left, right)), total)
        kind = ir.FunctionType(whole, [wide])
        add = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.add.v{STEP}i32")  # type: ignore[no-untyped-call]
        return builder.call(add, [builder.load(total)])

    @intrinsic
    def product(_typing: Any, codes: Any, _row: Any, numbers: Any) -> Any:
        return types.int32(codes, types.int64, numbers), build

    return product


def bit_count() -> Any:
    """A compiler's function: how many bits of a uint64 are set."""
    from numba.core import types
    from numba.extending import intrinsic

    @intrinsic
    def count(_typing: Any, _word: Any) -> Any:
        return types.uint64(types.uint64), lambda _context, builder, _signature, arguments: builder.ctpop(*arguments)

    return count
