"""The models: one row each, naming what the files of that kind carry and the wrong readings special to the row.

Every row of the architecture table that has no reference fixture from elsewhere is here, and variants of those that
have. `words` go to model_builder.DEFAULTS, `keys` are metadata under the architecture's name, `mutants` add to
mutants.standard. A case is (prompt id, number of tokens, context that the session is opened with).
"""

from dataclasses import dataclass, field

from gguf_file import Typed
from mutants import renaming, replacing, setting, swapping_halves, without

WINDOW = 16
TRAINED = 64  # original context of the stretched models
SHORT = (("p64", 64, 256),)
STRETCHED = (("p96", 96, 256),)
# LongRoPE chooses its factors by the session's context, not by the length of the prompt.
BOTH_SIDES = (("p64", 64, TRAINED), ("p64-long", 64, TRAINED + 1), ("p96", 96, 256))
MANY = ("p300", 300, 512)  # many windows, and longer than one batch of an engine may be
LINEAR = {"rope.scaling.type": "linear", "rope.scaling.factor": 4.0}
YARN = {"rope.scaling.type": "yarn", "rope.scaling.factor": 4.0, "rope.scaling.original_context_length": TRAINED}
LONGROPE = {"rope.scaling.type": "longrope", "rope.scaling.original_context_length": TRAINED,
            "rope.scaling.attn_factor": 1.19}
# As llama.cpp's converter writes phi3: without a type.
UNNAMED_LONGROPE = {key: value for key, value in LONGROPE.items() if key != "rope.scaling.type"}
LONG_AND_SHORT = ("rope_factors_long", "rope_factors_short")
GRANITE = {"attention.scale": 0.5, "embedding_scale": 6.0, "residual_scale": 0.4, "logit_scale": 5.0}
LARGE_SCORES = {"attn_q": 4.0, "attn_k": 4.0}


@dataclass
class Row:
    name: str
    arch: str
    keys: dict = field(default_factory=dict)
    words: dict = field(default_factory=dict)
    mutants: dict = field(default_factory=dict)
    cases: tuple = SHORT
    parts: int = 1  # number of files


def heads_dealt_in_turn(model):
    """Query heads dealt out to kv heads in turn instead of in blocks."""
    order = [head for group in range(model.kv_heads) for head in range(group, model.heads, model.kv_heads)]

    def regroup(axis):
        def change(tensor):
            shape = list(tensor.shape)
            split = shape[:axis] + [model.heads, model.head_dim] + shape[axis + 1:]
            return tensor.reshape(split).take(order, axis=axis).reshape(shape)
        return change
    replacing(r"attn_q\.weight", regroup(0))(model)
    replacing(r"attn_output\.weight", regroup(1))(model)


def local_layers(pattern):
    def change(model):
        window = max(model.windows)
        model.local = [bool(is_local) for is_local in pattern]
        model.windows = [window if is_local else 0 for is_local in pattern]
    return change


def every(period, layers):
    return [il % period < period - 1 for il in range(layers)]


ROWS = [
    # --- llama and what calls itself llama ---
    Row("llama-yarn", "llama", {**YARN, "rope.scaling.yarn_attn_factor": 3.0}, {}, {
        "kv heads dealt in turn": heads_dealt_in_turn, "yarn ext 0": setting(yarn_ext=0.0)}, (*STRETCHED, MANY)),
    Row("llama-yarn-factor", "llama", {**YARN, "rope.scaling.attn_factor": 1.25, "rope.freq_base": 500000.0},
        cases=STRETCHED),
    Row("llama-yarn-beta", "llama", {**YARN, "rope.scaling.yarn_beta_fast": 8.0, "rope.scaling.yarn_beta_slow": 2.0},
        {}, {"default betas": setting(yarn_beta_fast=32.0, yarn_beta_slow=1.0)}, STRETCHED),
    Row("llama-longrope", "llama", LONGROPE, {"factors": LONG_AND_SHORT}, cases=BOTH_SIDES),
    Row("llama-linear-old", "llama", {"rope.scale_linear": 4.0}),
    Row("llama-scaling-none", "llama", {"rope.scaling.type": "none", "rope.scaling.factor": 4.0}, {},
        {"factor used": setting(rope_type="linear")}),
    Row("llama-rope-freqs-linear", "llama", LINEAR, {"factors": ("rope_freqs",)}),
    Row("llama-bias", "llama", {}, {"qkv_bias": True, "out_bias": True, "ffn_bias": True}),
    Row("llama-fused", "llama", {}, {"fused": True, "qkv_bias": True, "output": False}, {
        "keys before queries": replacing("attn_qkv.weight", lambda t: t[list(range(64, 96)) + list(range(64)) +
                                                                       list(range(96, 128))])}),
    Row("llama-mistral", "llama", {"attention.sliding_window": WINDOW, "rope.freq_base": 1000000.0,
                                   "rope.dimension_count": 32, "rope.scaling.finetuned": False},
        {"head_dim": 32}, {"window of the file": setting(windows=[WINDOW] * 4),
                           "finetuned false as in granite": setting(rope_layers=[False] * 4)}),
    Row("llama-widths", "llama", {
        "context_length": Typed("u64", 2048), "block_count": Typed("i32", 4), "embedding_length": Typed("u16", 64),
        "feed_forward_length": [128] * 4, "attention.head_count": [Typed("i32", 4)] * 4,
        "attention.head_count_kv": [Typed("u8", 2)] * 4, "attention.layer_norm_rms_epsilon": Typed("f64", 0.02),
        "no_such_key": [1, 2, 3]}, {"unknown": ("no_such_tensor.weight", "blk.1.no_such_tensor.weight")},
        {"another epsilon": setting(eps=1e-5)}),
    Row("llama-scale", "llama", {},
        {"scales": {name: 1 for name in ("attn_q", "attn_output", "ffn_gate", "ffn_down", "output")}},
        {"input_scale used": renaming({"ffn_down.input_scale": "ffn_down.scale", "ffn_down.scale": "unused"})}),
    Row("llama-split", "llama", parts=3),
    Row("mixtral-merged", "llama", {}, {"ffn": "experts", "experts": 4, "used": 2, "merged": True},
        {"up before gate": swapping_halves(r"ffn_gate_up_exps\.weight")}),
    Row("mixtral-scale", "llama", {}, {"ffn": "experts", "experts": 4, "used": 2, "scales": {
        "ffn_gate_exps": "expert", "ffn_up_exps": "expert", "ffn_down_exps": 1, "attn_v": 1}},
        {"scale of another expert": replacing(r"ffn_up_exps\.scale", lambda t: t[::-1])}),
    # --- qwen ---
    Row("qwen2-output-bias", "qwen2", {}, {"output_bias": True}),
    Row("qwen2-fused-yarn", "qwen2", {**YARN, "rope.freq_base": 1000000.0}, {"fused": True}, cases=STRETCHED),
    Row("qwen3-linear", "qwen3", {**LINEAR, "rope.freq_base": 1000000.0}, {"head_dim": 32}),
    Row("qwen2moe", "qwen2moe", {"expert_feed_forward_length": 48, "expert_shared_feed_forward_length": 96},
        {"expert_width": 48, "shared_width": 96}, {"no shared expert": without("ffn_.*_shexp.weight")}),
    Row("qwen2moe-defaults", "qwen2moe", {}, {"used": 2, "expert_width": 64},
        {"no shared expert": without("ffn_.*_shexp.weight")}),
    Row("qwen3moe", "qwen3moe", {
        "expert_feed_forward_length": 48, "rope.freq_base": 1000000.0, "feed_forward_length": None},
        {"head_dim": 32, "expert_width": 48}),
    Row("qwen3moe-yarn", "qwen3moe", {**YARN, "feed_forward_length": 96}, {"expert_width": 32}, cases=STRETCHED),
    # --- gemma ---
    Row("gemma", "gemma", LINEAR, {"head_dim": 32, "output": True}),
    Row("gemma2-pattern", "gemma2", {
        "attention.sliding_window": WINDOW, "attn_logit_softcapping": 5.0, "final_logit_softcapping": 4.0,
        "attention.sliding_window_pattern": [False, True, True, False]}, {"head_dim": 32, "gain": {"token_embd": 2.0}},
        {"period for the pattern": local_layers(every(2, 4)), "no post norms": without("post_.*"),
         "pattern inverted": local_layers([True, False, False, True])}),
    Row("gemma2-defaults", "gemma2", LINEAR, {"head_dim": 16, "gain": {**LARGE_SCORES, "token_embd": 10.0}}),
    Row("gemma2-46-layers", "gemma2", {"attention.sliding_window": 8, "attn_logit_softcapping": 2.0},
        {"layers": 46, "width": 32, "head_dim": 16, "ffn_width": 32, "gain": {"token_embd": 10.0}}),
    Row("gemma3", "gemma3", {"attention.sliding_window": WINDOW, "rope.freq_base": 1000000.0}, {"head_dim": 32},
        {"no post norms": without("post_.*"), "period 2": local_layers(every(2, 7))}, (*SHORT, MANY)),
    Row("gemma3-linear", "gemma3", {
        "attention.sliding_window": WINDOW, "rope.freq_base": 1000000.0, "rope.freq_base_swa": 500.0,
        "rope.scaling.type": "linear", "rope.scaling.factor": 8.0, "final_logit_softcapping": 2.0}, {"output": True},
        {"local base 10000": setting(local_rope_base=10000.0)}),
    Row("gemma3-period", "gemma3", {"attention.sliding_window": WINDOW, "attention.sliding_window_pattern": 3},
        {}, {"period 6": local_layers(every(6, 7))}),
    Row("gemma3-no-window", "gemma3", {"rope.freq_base": 100.0}, {},
        {"local rope": setting(rope_base=10000.0)}),
    Row("gemma3-62-layers", "gemma3", {"attention.sliding_window": 8, "rope.freq_base": 1000000.0},
        {"layers": 62, "width": 32, "head_dim": 16, "ffn_width": 32}),
    # --- phi ---
    Row("phi3-longrope", "phi3", {**LONGROPE, "attention.sliding_window": WINDOW}, {"factors": LONG_AND_SHORT},
        {"window of the file": setting(windows=[WINDOW] * 4), "up before gate": swapping_halves(r"ffn_up\.weight")},
        (*BOTH_SIDES, MANY)),
    Row("phi3-as-converted", "phi3", {**UNNAMED_LONGROPE, "attention.sliding_window": WINDOW}, {"factors": LONG_AND_SHORT}, {}, BOTH_SIDES),
    Row("phi3-partial", "phi3", {"rope.dimension_count": 12}, {"output": False}),
    Row("phi3-partial-longrope", "phi3", {**LONGROPE, "rope.dimension_count": 12},
        {"factors": LONG_AND_SHORT, "output": False}, {}, BOTH_SIDES),
    Row("phi3-yarn", "phi3", {**YARN, "rope.dimension_count": 12}, cases=STRETCHED),
    Row("phi2", "phi2", {"rope.dimension_count": 8}),
    Row("phi2-split-qkv", "phi2", {**LINEAR, "rope.dimension_count": 8},
        {"fused": False, "gain": {"attn_k": 2.0}}),
    # --- other RMS families ---
    Row("olmo2-window", "olmo2", {**YARN, "attention.sliding_window": WINDOW, "rope.freq_base": 500000.0},
        {"layers": 8}, {"no post norms": without("post_.*"), "period 2": local_layers(every(2, 8))}, STRETCHED),
    Row("olmo2-window-linear", "olmo2", {**LINEAR, "attention.sliding_window": WINDOW}),
    Row("smollm3", "smollm3", {"rope.freq_base": 5000000.0}, {"layers": 5}),
    Row("smollm3-yarn-fused", "smollm3", YARN, {"fused": True, "output": True}, cases=STRETCHED),
    Row("granite", "granite", GRANITE, {}, {"logits times logit_scale": setting(logit_divisor=0.2)}),
    Row("granite-plain", "granite", {"logit_scale": 5.0},
        {"output": True, "qkv_bias": True, "out_bias": True, "factors": ("rope_freqs",)}),
    Row("granite-no-rope", "granite", {**GRANITE, "rope.scaling.finetuned": False}),
    Row("granite-longrope", "granite", {**GRANITE, **LONGROPE}, {"factors": LONG_AND_SHORT}, {}, BOTH_SIDES),
    Row("granitemoe", "granitemoe", GRANITE, {"qkv_bias": True, "out_bias": True}),
    Row("granitemoe-shared", "granitemoe", {**GRANITE, **YARN, "expert_shared_feed_forward_length": 96},
        {"shared": "plain", "shared_width": 96}, {}, STRETCHED),
    Row("gpt-oss-window", "gpt-oss", {
        "attention.sliding_window": 8, "rope.scaling.type": "yarn", "rope.scaling.factor": 8.0,
        "rope.scaling.original_context_length": TRAINED, "rope.freq_base": 150000.0, "expert_feed_forward_length": 96},
        {"head_dim": 32, "expert_width": 96, "gain": {"ffn_gate_exps": 5.0, "ffn_up_exps": 5.0}}, {
            "SwiGLU without clamp": setting(gpt_oss_experts=False),
            "router weight without the bias": without("ffn_down_exps.bias"),
            "windows on odd layers": local_layers([False, True] * 2)}, (*STRETCHED, MANY)),
    # --- LayerNorm families ---
    Row("gpt2", "gpt2", {}, {}, {"no positions": without("position_embd.weight")},
        (("p64", 64, 128), ("p96", 96, 128))),
    Row("gpt2-untied", "gpt2", {}, {"eps": 0.02, "output": True}, {"another epsilon": setting(eps=1e-5)},
        (("p64", 64, 128),)),
    Row("starcoder2", "starcoder2", {"rope.freq_base": 100000.0}),
    Row("starcoder2-fused-linear", "starcoder2", LINEAR, {"fused": True, "output": True}),
    Row("stablelm", "stablelm", {"rope.dimension_count": 4}, {"qkv_bias": True}),
    Row("stablelm-parallel", "stablelm", {**LINEAR, "rope.dimension_count": 4, "use_parallel_residual": True},
        {"norm2": None}),
    Row("stablelm-qk-norm", "stablelm", {"rope.dimension_count": 4, "use_parallel_residual": True},
        {"norm2": None, "qk_norm": "own"}),
    Row("falcon", "falcon", {}, {"kv_heads": 1}),
    Row("falcon-two-norms", "falcon", LINEAR, {"second_norm": True, "output": True}, {
        "norms swapped": renaming({f"attn_norm{a}.{part}": f"attn_norm{b}.{part}" for a, b in (("", "_2"), ("_2", ""))
                                   for part in ("weight", "bias")}),
        "one norm": without("attn_norm_2.*")}),
]
