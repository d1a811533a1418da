"""The parts of the accelerator's benchmark, the important ones first."""

from benchmarks.accelerator.part import ENTRY, Column, Part

MEASURES = "benchmarks.accelerator.measures"
ONE_DEVICE_SEC = 480
"""Time of all parts on one device together."""
BESIDE_TORCH = (
    "The same step in both libraries, from the same weights, with exact R1 and R2, Adam and a "
    "moving average; in turns, several steps a dispatch (PyTorch waits for its device once a "
    "dispatch too). `float32` is full float32 on both sides: ours states the highest precision "
    "for every product, PyTorch has TF32 off in products and convolutions. `bfloat16` is "
    "autocast there. PyTorch is timed with channels first and with channels last, and the faster "
    "is quoted; cuDNN tries its algorithms. `torch.compile` has what no second backward goes "
    "through. More than 1 means that ours is faster; goals: 1.3 times `torch.compile`, and 40 % "
    "of the chip's bfloat16 rate. Rates count matrix products and convolutions alone. Difference: "
    "of samples, scores and gradients of both libraries, as a share of their length."
)
STEP_COLUMNS = (
    Column("batch", "batch", "{:,}"),
    Column("ours_ms", "ours, ms"),
    Column("images_s", "images/s", "{:,.0f}"),
    Column("eager", "PyTorch, eager / ours"),
    Column("compiled", "`torch.compile` / ours"),
    Column("tflops", "TFLOP/s", "{:,.1f}"),
    Column("of_sheet", "of the data sheet's rate, %", "{:.0f}"),
    Column("of_product", "of a large product's, %", "{:.0f}"),
    Column("apart", "difference", "{:.1e}"),
    Column("compile_sec", "compilation, s", "{:.0f}"),
    Column("torch_compile_sec", "PyTorch's, s", "{:.0f}"),
    Column("planned_mib", "memory, MiB", "{:,.0f}"),
)
PRECISIONS = ("bfloat16", "float32")


def _in_both(*pairs: str) -> tuple[str, ...]:
    return tuple(f"{pair}, {precision}" for precision in PRECISIONS for pair in pairs)


PARTS = (
    Part(
        "chip",
        "The chip",
        "The product of two large square matrices, and the dense rate of the vendor's data sheet. "
        "`float32` is in full, without TF32.",
        f"{MEASURES}.chip",
        ("bfloat16", "float32"),
        15,
        "product",
        (
            Column("side", "side", "{:,}"),
            Column("tflops", "TFLOP/s", "{:,.1f}"),
            Column("sheet_tflops", "data sheet's TFLOP/s", "{:,.0f}"),
            Column("share", "share, %", "{:.0f}"),
        ),
    ),
    Part(
        "large",
        "A step of the full `r3gan_cifar10` pair beside PyTorch",
        BESIDE_TORCH,
        f"{MEASURES}.steps",
        _in_both("r3gan_cifar10"),
        105,
        "pair",
        STEP_COLUMNS,
    ),
    Part(
        "small",
        "Steps of small pairs beside PyTorch",
        "As above.",
        f"{MEASURES}.steps",
        _in_both("conv", "sngan", "r3gan"),
        135,
        "pair",
        STEP_COLUMNS,
    ),
    Part(
        "nearest",
        "Precision, recall, density and coverage beside `prdc` on the CPU",
        "Seconds from features on the host to the four figures, k = 5; the first call compiles. "
        "With error bars: precision and recall at k = 3, and errors from halves. `prdc` runs on "
        "this machine's processors; where it would take too long its time is reckoned from fewer "
        "rows, by the square of their number. Goal: 50 times as fast as `prdc`.",
        f"{MEASURES}.nearest",
        ("10,000 x 2,048", "50,000 x 2,048"),
        45,
        "features, either side",
        (
            Column("first_sec", "ours, first, s"),
            Column("sec", "ours, s"),
            Column("error_bars_sec", "with error bars, s"),
            Column("prdc_sec", "`prdc`, s", "{:.1f}"),
            Column("times", "`prdc` / ours", "{:.0f}"),
            Column("times_error_bars", "`prdc` / with error bars", "{:.0f}"),
            Column("apart", "largest difference", "{:.0e}"),
        ),
    ),
    Part(
        "features",
        "Inception features",
        "Images of 32x32 from the host to features on the host, resized to 299x299 on the device, "
        "in float32 in full; after a first call that compiles.",
        f"{MEASURES}.features",
        ("inception",),
        20,
        "extractor",
        (
            Column("images", "images", "{:,}"),
            Column("images_s", "images/s", "{:,.0f}"),
            Column("tflops", "TFLOP/s", "{:,.1f}"),
            Column("compile_sec", "first call, s", "{:.0f}"),
        ),
    ),
    Part(
        "agreement",
        "A short run of `digits` beside the CPU's",
        "The same seed in float32 on both: the largest difference of the discriminator's loss, as "
        "a share of it, over the first steps and over all. Rounding differs, and training makes "
        "differences grow.",
        f"{MEASURES}.agreement",
        ("digits",),
        35,
        "experiment",
        (
            Column("steps", "steps", "{:,}"),
            Column("first_apart", "the first 10 steps", "{:.1e}"),
            Column("apart", "all steps", "{:.1e}"),
            Column("last", "last loss", "{:.4f}"),
            Column("last_on_cpu", "on the CPU", "{:.4f}"),
        ),
    ),
    Part(
        "memory",
        "Memory of the presets' micro-batches",
        "What XLA plans for a step of each preset of R3GAN with its own number of micro-batches, "
        "which were reckoned for a GPU of 80 GB, and the most that was in use when one was taken.",
        f"{MEASURES}.memory",
        ("r3gan_cifar10", "r3gan_ffhq64", "r3gan_imagenet32", "r3gan_imagenet64", "r3gan_ffhq256"),
        55,
        "preset",
        (
            Column("batch", "batch", "{:,}"),
            Column("micro_batches", "micro-batches", "{:,}"),
            Column("planned_gb", "planned, GB", "{:.1f}"),
            Column("peak_gb", "most in use, GB", "{:.1f}"),
            Column("share", "of 80 GB, %", "{:.0f}"),
        ),
    ),
    Part(
        "game",
        "The neighbour game",
        "A step of the game beside one of relativistic pairing with exact R1 and R2, in turns, on "
        "the `conv` pair in bfloat16: ratios of time (goal 1.35), of memory beside the arguments "
        "and of operations of products.",
        f"{MEASURES}.game",
        ("game", "game, no views", "game alone"),
        25,
        "form",
        (
            Column("time", "step time"),
            Column("memory", "memory"),
            Column("products", "products"),
            Column("pairing_ms", "pairing, ms"),
        ),
    ),
    Part(
        "seeds",
        "Several seeds in one dispatch",
        "Time of a step and seed as a ratio to the step of one run alone, in turns: less than 1 "
        "means that several seeds at once are faster than one by one.",
        f"{MEASURES}.seeds",
        ("grid25, 4", "grid25, 16", "stacked_digits, 4", "stacked_digits, 16"),
        20,
        "experiment, seeds at once",
        (Column("ratio", "ratio", "{:.3f}"), Column("alone_ms", "step alone, ms")),
    ),
    Part(
        "profile",
        "Where the step's time goes",
        "Kinds of operations that take most of the device's time in a step of the full pair in "
        "bfloat16.",
        f"{MEASURES}.profile",
        ("r3gan_cifar10, bfloat16",),
        20,
        "step",
        (
            Column(ENTRY, "kind of operation", "{}"),
            Column("ms", "ms a step", "{:.3f}"),
            Column("share", "share, %", "{:.1f}"),
            Column("operations", "operations", "{:,}"),
        ),
    ),
    Part(
        "devices",
        "Several devices",
        "The full pair in bfloat16 at its global batch of 256 on 1, 2, 4 and 8 devices, and the "
        "largest difference of the discriminator's loss from one device's over 10 steps of "
        "`digits` in float32.",
        f"{MEASURES}.devices",
        ("1", "2", "4", "8"),
        150,
        "devices",
        (
            Column("ms", "ms a step"),
            Column("images_s", "images/s", "{:,.0f}"),
            Column("times", "times one device's"),
            Column("efficiency", "efficiency, %", "{:.0f}"),
            Column("apart", "difference of losses", "{:.1e}"),
        ),
        devices=2,
    ),
)
BY_NAME = {part.name: part for part in PARTS}
