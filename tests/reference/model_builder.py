"""Builds the metadata and the random weights of a small model from a few words about its architecture.

Weights are Gaussian with std 1/sqrt(inputs), norm weights 1 + 0.1 g, biases 0.1 g, sinks g, factor tensors 1 to 8, so
that every term moves the logits. Everything is drawn from one generator with a frozen stream, in file order.
"""

import math
import re

import numpy as np

# What the tensors of an architecture look like, before the model's own words. norm2: name of the norm before the
# feed-forward, None for none. ffn: gated, plain (up, down), packed (gate and up in one), experts. output: own matrix.
DEFAULTS = dict(layers=4, width=64, heads=4, kv_heads=2, head_dim=None, ffn_width=128, expert_width=None,
                shared_width=None, experts=0, used=0, norm_bias=False, norm1=True, second_norm=False, norm2="ffn_norm",
                post=False, fused=False, qkv_bias=False, out_bias=False, qk_norm=None, ffn="gated", ffn_bias=False,
                expert_bias=False, merged=False, shared=None, sinks=False, output=True, output_bias=False, positions=0,
                factors=(), gain={}, scales={}, unknown=(), context=2048, eps=1e-5)
LAYOUTS = {
    "llama": dict(),
    "qwen2": dict(qkv_bias=True),
    "qwen3": dict(qk_norm="head"),
    "qwen2moe": dict(qkv_bias=True, ffn="experts", experts=8, used=3, shared="gated"),
    "qwen3moe": dict(qk_norm="head", ffn="experts", experts=8, used=3),
    "gemma": dict(output=False),
    "gemma2": dict(post=True, output=False),
    "gemma3": dict(post=True, qk_norm="head", output=False, layers=7),
    "phi3": dict(fused=True, ffn="packed"),
    "olmo2": dict(norm1=False, norm2=None, post=True, qk_norm="full"),
    "smollm3": dict(output=False),
    "granite": dict(output=False),
    "granitemoe": dict(output=False, ffn="experts", experts=8, used=3),
    "gpt-oss": dict(norm2="post_attention_norm", qkv_bias=True, out_bias=True, ffn="experts", experts=4, used=2,
                    expert_bias=True, sinks=True),
    "gpt2": dict(norm_bias=True, fused=True, qkv_bias=True, out_bias=True, ffn="plain", ffn_bias=True, output=False,
                 kv_heads=4, context=128, positions=128),
    "starcoder2": dict(norm_bias=True, qkv_bias=True, out_bias=True, ffn="plain", ffn_bias=True, output=False),
    "phi2": dict(norm_bias=True, norm2=None, fused=True, qkv_bias=True, out_bias=True, ffn="plain", ffn_bias=True,
                 output_bias=True, kv_heads=4),
    "falcon": dict(norm_bias=True, norm2=None, fused=True, ffn="plain", output=False),
    "stablelm": dict(norm_bias=True),
}


class Builder:
    """The file `spec` describes: metadata without the tokenizer in `kv`, float32 tensors in `tensors`."""

    def __init__(self, arch, words, keys, vocabulary_size, seed):
        self.random = np.random.RandomState(seed)
        self.tensors = {}
        o = {**DEFAULTS, **LAYOUTS[arch], **words}
        o["head_dim"] = o["head_dim"] or o["width"] // o["heads"]
        self.o = o
        self.vocabulary_size = vocabulary_size
        self.kv = {"general.architecture": arch}
        self._keys(arch, keys)
        self._weights(arch)

    def _keys(self, arch, keys):
        o = self.o
        common = {"context_length": o["context"], "embedding_length": o["width"], "block_count": o["layers"],
                  "feed_forward_length": o["ffn_width"], "attention.head_count": o["heads"],
                  "attention.head_count_kv": o["kv_heads"],
                  "attention.layer_norm_epsilon" if o["norm_bias"] else "attention.layer_norm_rms_epsilon": o["eps"]}
        if o["head_dim"] != o["width"] // o["heads"]:
            common["attention.key_length"] = common["attention.value_length"] = o["head_dim"]
        if o["experts"]:
            common.update({"expert_count": o["experts"], "expert_used_count": o["used"]})
        for name, value in {**common, **keys}.items():
            if value is not None:  # None takes a common key out
                self.kv[f"{arch}.{name}"] = value

    def _draw(self, *shape):
        return self.random.standard_normal(shape).astype(np.float32)

    def _matrix(self, name, inputs, *outputs, bias=False):
        """A weight of numpy shape (*outputs, inputs): outputs is (out) or (experts, out)."""
        short = re.sub(r"^blk\.\d+\.", "", name)
        gain = self.o["gain"].get(short, 1.0) / math.sqrt(inputs)
        self.tensors[name + ".weight"] = self._draw(*outputs, inputs) * np.float32(gain)
        if bias:
            self.tensors[name + ".bias"] = self._draw(*outputs) * np.float32(0.1 * self.o["gain"].get(short, 1.0))
        if short in self.o["scales"]:
            count = outputs[0] if self.o["scales"][short] == "expert" else 1
            self.tensors[name + ".scale"] = np.exp2(self._draw(count))
            self.tensors[name + ".input_scale"] = np.exp2(self._draw(1))  # to be ignored

    def _norm(self, name, *shape, bias=False):
        self.tensors[name + ".weight"] = 1 + np.float32(0.1) * self._draw(*shape)
        if bias:
            self.tensors[name + ".bias"] = np.float32(0.1) * self._draw(*shape)

    def _weights(self, arch):
        o = self.o
        width = o["width"]
        self._matrix("token_embd", width, self.vocabulary_size)
        if o["positions"]:
            self._matrix("position_embd", width, o["positions"])
        n_rot = self.kv.get(f"{arch}.rope.dimension_count", o["head_dim"])
        for name in o["factors"]:
            self.tensors[name + ".weight"] = self.random.uniform(1, 8, n_rot // 2).astype(np.float32)
        for il in range(o["layers"]):
            self._attention(f"blk.{il}.")
            self._feed_forward(f"blk.{il}.")
        self._norm("output_norm", width, bias=o["norm_bias"])
        for name in o["unknown"]:
            self.tensors[name] = self._draw(3)
        if o["output"]:
            self._matrix("output", width, self.vocabulary_size, bias=o["output_bias"])

    def _attention(self, part):
        o = self.o
        width, q_width, kv_width = o["width"], o["heads"] * o["head_dim"], o["kv_heads"] * o["head_dim"]
        if o["norm1"]:
            self._norm(part + "attn_norm", width, bias=o["norm_bias"])
        if o["second_norm"]:
            self._norm(part + "attn_norm_2", width, bias=o["norm_bias"])
        if o["fused"]:
            self._matrix(part + "attn_qkv", width, q_width + 2 * kv_width, bias=o["qkv_bias"])
        else:
            for name, out in (("attn_q", q_width), ("attn_k", kv_width), ("attn_v", kv_width)):
                self._matrix(part + name, width, out, bias=o["qkv_bias"])
        shapes = {"head": ((o["head_dim"],),) * 2, "full": ((q_width,), (kv_width,)),
                  "own": ((o["heads"], o["head_dim"]), (o["kv_heads"], o["head_dim"]))}
        if o["qk_norm"]:
            for name, shape in zip(("attn_q_norm", "attn_k_norm"), shapes[o["qk_norm"]]):
                self._norm(part + name, *shape)
        if o["sinks"]:
            self.tensors[part + "attn_sinks.weight"] = self._draw(o["heads"])
        self._matrix(part + "attn_output", q_width, width, bias=o["out_bias"])
        if o["post"]:
            self._norm(part + "post_attention_norm", width)

    def _feed_forward(self, part):
        o = self.o
        width, ffn_width = o["width"], o["ffn_width"]
        if o["norm2"]:
            self._norm(part + o["norm2"], width, bias=o["norm_bias"])
        if o["ffn"] == "experts":
            self._experts(part)
        else:
            if o["ffn"] == "gated":
                self._matrix(part + "ffn_gate", width, ffn_width, bias=o["ffn_bias"])
            packed = 2 if o["ffn"] == "packed" else 1
            self._matrix(part + "ffn_up", width, packed * ffn_width, bias=o["ffn_bias"])
            self._matrix(part + "ffn_down", ffn_width, width, bias=o["ffn_bias"])
        if o["post"]:
            self._norm(part + "post_ffw_norm", width)

    def _experts(self, part):
        o = self.o
        width, experts = o["width"], o["experts"]
        inner = o["expert_width"] or o["ffn_width"]
        self._matrix(part + "ffn_gate_inp", width, experts, bias=o["expert_bias"])
        if o["merged"]:
            self._matrix(part + "ffn_gate_up_exps", width, experts, 2 * inner, bias=o["expert_bias"])
        else:
            self._matrix(part + "ffn_gate_exps", width, experts, inner, bias=o["expert_bias"])
            self._matrix(part + "ffn_up_exps", width, experts, inner, bias=o["expert_bias"])
        self._matrix(part + "ffn_down_exps", inner, experts, width, bias=o["expert_bias"])
        if o["shared"]:
            shared = o["shared_width"] or o["ffn_width"]
            self._matrix(part + "ffn_gate_shexp", width, shared)
            self._matrix(part + "ffn_up_shexp", width, shared)
            self._matrix(part + "ffn_down_shexp", shared, width)
        if o["shared"] == "gated":
            name = part + "ffn_gate_inp_shexp.weight"
            self.tensors[name] = self._draw(width) / np.float32(math.sqrt(width))
