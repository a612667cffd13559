"""The forward pass of every supported architecture, plainly, in float64: the second opinion on the engine.

Written from the written description of the architectures alone, not from the engine's code, and for reading, not for
speed: one prompt, no cache, all positions at once. A `Model` exposes every choice of its architecture as a plain
attribute (window per layer, caps, scales, rope kind, ...), so that a test can switch one off and measure what it does.
compare.py --fixtures measures it against the stored logits of the reference fixtures.
"""

import copy
import math

import numpy as np

from gguf_file import read_all_parts

# One row an architecture; what is missing has the value of DEFAULTS. Presence of optional tensors is read from the
# file. router: renormalised (softmax, top k, divide by the sum), plain (softmax, top k), top_k_first.
DEFAULTS = dict(layer_norm=False, parallel=False, adjacent=False, activation="silu", qk_norm=None, sqrt_embedding=False,
                force_tied=False, period=0, default_window=0, default_caps=(0.0, 0.0), router="renormalised",
                norm2="ffn_norm", deep_scale_layers=0, gpt_oss_experts=False)
ROWS = {
    "llama": dict(adjacent=True),
    "qwen2": dict(),
    "qwen3": dict(qk_norm="head"),
    "qwen2moe": dict(router="plain"),
    "qwen3moe": dict(qk_norm="head"),
    "gemma": dict(activation="gelu", sqrt_embedding=True, force_tied=True),
    "gemma2": dict(activation="gelu", sqrt_embedding=True, force_tied=True, period=2, default_window=4096,
                   default_caps=(50.0, 30.0), deep_scale_layers=46),
    "gemma3": dict(activation="gelu", sqrt_embedding=True, qk_norm="head", period=6, deep_scale_layers=62),
    "phi3": dict(),
    "olmo2": dict(qk_norm="full", period=4),
    "smollm3": dict(adjacent=True),
    "granite": dict(adjacent=True),
    "granitemoe": dict(adjacent=True),
    "gpt-oss": dict(period=2, router="top_k_first", norm2="post_attention_norm", gpt_oss_experts=True),
    "gpt2": dict(layer_norm=True, activation="gelu"),
    "starcoder2": dict(layer_norm=True, activation="gelu"),
    "phi2": dict(layer_norm=True, activation="gelu", parallel=True),
    "falcon": dict(layer_norm=True, activation="gelu", parallel=True),
    "stablelm": dict(layer_norm=True, qk_norm="layer_norm_per_head"),
}


class Model:
    """One model: the choices of its architecture as attributes, its weights in `tensors` (float64)."""

    def __init__(self, path):
        file = read_all_parts(path)
        self.kv = file.kv
        self.arch = file.kv["general.architecture"]
        self.tensors = {name: array.astype(np.float64) for name, array in file.tensors.items()}
        self.types = file.types
        row = {**DEFAULTS, **ROWS[self.arch]}
        self.layer_norm = row["layer_norm"]
        self.adjacent = row["adjacent"]
        self.activation = row["activation"]
        self.qk_norm = row["qk_norm"]
        self.router = row["router"]
        self.norm2 = row["norm2"]
        self.gpt_oss_experts = row["gpt_oss_experts"]
        self.half_gelu = False
        self.min_router_margin = math.inf

        self.width = self._key("embedding_length")
        self.layers = self._key("block_count")
        self.heads = self._key("attention.head_count")
        self.kv_heads = self._key("attention.head_count_kv", self.heads)
        self.head_dim = self._key("attention.key_length", self.width // self.heads)
        self.eps = self._key("attention.layer_norm_epsilon" if self.layer_norm else "attention.layer_norm_rms_epsilon")
        self.experts_used = self._key("expert_used_count", 0)
        self.tied = row["force_tied"] or "output.weight" not in self.tensors
        self.parallel = row["parallel"] or (self.arch == "stablelm" and "blk.0.ffn_norm.weight" not in self.tensors)

        self.score_scale = 1.0 / math.sqrt(self.head_dim)
        if self.layers == row["deep_scale_layers"]:
            self.score_scale = 1.0 / math.sqrt(self.width // self.heads)
        self.attention_cap = self._key("attn_logit_softcapping", row["default_caps"][0])
        self.final_cap = self._key("final_logit_softcapping", row["default_caps"][1])
        self.embedding_scale = float(np.float32(math.sqrt(self.width))) if row["sqrt_embedding"] else 1.0
        self.residual_scale = 1.0
        self.logit_divisor = 1.0
        if self.arch in ("granite", "granitemoe"):
            self.score_scale = self._key("attention.scale", 0.0) or self.score_scale
            self.embedding_scale = self._key("embedding_scale", 0.0) or 1.0
            self.residual_scale = self._key("residual_scale", 0.0) or 1.0
            self.logit_divisor = self._key("logit_scale")
        self._read_windows(row)
        self._read_rope()

    def _key(self, name, *default):
        value = self.kv.get(f"{self.arch}.{name}", *default)
        if value is None:
            raise KeyError(f"{self.arch}.{name}")
        if isinstance(value, list):  # one value a layer: equal ones only
            if any(item != value[0] for item in value):
                raise ValueError(f"{name} differs between layers")
            return value[0]
        return value

    def _read_windows(self, row):
        """windows[il]: how many keys (itself included) a query of that layer sees, 0 for all of them."""
        window = self._key("attention.sliding_window", row["default_window"]) if row["period"] else 0
        pattern = self.kv.get(f"{self.arch}.attention.sliding_window_pattern", row["period"])
        if not isinstance(pattern, list):
            pattern = [pattern == 0 or il % pattern < pattern - 1 for il in range(self.layers)]
        self.local = [bool(window) and bool(is_local) for is_local in pattern]
        self.windows = [window if is_local else 0 for is_local in self.local]

    def _read_rope(self):
        self.rope_layers = [self.arch != "gpt2"] * self.layers
        if self.arch == "smollm3":
            self.rope_layers = [(il + 1) % 4 != 0 for il in range(self.layers)]
        if self.arch in ("granite", "granitemoe") and not self._key("rope.scaling.finetuned", True):
            self.rope_layers = [False] * self.layers
        self.n_rot = self._key("rope.dimension_count", self.head_dim)
        self.rope_base = self._key("rope.freq_base", 10000.0)
        self.rope_type = self._key("rope.scaling.type", "linear")
        factor = self._key("rope.scaling.factor", 0.0) or self._key("rope.scale_linear", 0.0)
        self.rope_factor = factor or 1.0
        self.original_context = self._key("rope.scaling.original_context_length", self._key("context_length"))
        self.rope_magnitude = self._key("rope.scaling.attn_factor", 1.0)
        self.yarn_ext = self._key("rope.scaling.yarn_ext_factor", 1.0)
        self.yarn_beta_fast = self._key("rope.scaling.yarn_beta_fast", 32.0)
        self.yarn_beta_slow = self._key("rope.scaling.yarn_beta_slow", 1.0)
        # Layers with a window may have a base of their own, and none of the stretching.
        own_base = self._key("rope.freq_base_swa", 10000.0 if self.arch == "gemma3" else 0.0)
        self.local_rope_base = own_base or self.rope_base
        self.local_rope_plain = self.arch in ("gemma3", "olmo2")

    def _rope(self, is_local, n_ctx):
        """Angle per position of every pair, and the factor on cos and sin."""
        base = self.local_rope_base if is_local else self.rope_base
        pair = np.arange(self.n_rot // 2)
        angle = base ** (-2.0 * pair / self.n_rot)
        if is_local and self.local_rope_plain:
            return angle, 1.0
        if "rope_factors_long.weight" in self.tensors:  # phi3 files name no type of scaling
            which = "long" if n_ctx > self.original_context else "short"
            return angle / self.tensors[f"rope_factors_{which}.weight"] / self.rope_factor, self.rope_magnitude
        if "rope_freqs.weight" in self.tensors:
            angle = angle / self.tensors["rope_freqs.weight"]
        if self.rope_type == "yarn":
            return self._yarn(base, pair, angle)
        return (angle / self.rope_factor if self.rope_type == "linear" else angle), self.rope_magnitude

    def _yarn(self, base, pair, angle):
        def dim(turns):
            return self.n_rot * math.log(self.original_context / (2 * math.pi * turns)) / (2 * math.log(base))

        low = max(0.0, math.floor(dim(self.yarn_beta_fast)))
        high = min(self.n_rot - 1.0, math.ceil(dim(self.yarn_beta_slow)))
        ramp = self.yarn_ext * (1.0 - np.clip((pair - low) / max(0.001, high - low), 0.0, 1.0))
        magnitude = self.rope_magnitude
        if self.rope_factor > 1.0:
            magnitude *= 1.0 + 0.1 * math.log(self.rope_factor)
        return angle / self.rope_factor * (1.0 - ramp) + angle * ramp, magnitude

    # --- building blocks -------------------------------------------------------------------------------------------

    def mutated(self, change):
        """A copy with `change(copy)` applied; weights are shared until replaced."""
        other = copy.copy(self)
        other.tensors = dict(self.tensors)
        other.windows = list(self.windows)
        other.rope_layers = list(self.rope_layers)
        change(other)
        return other

    def as_float32(self):
        def change(model):
            model.tensors = {name: array.astype(np.float32) for name, array in model.tensors.items()}
        return self.mutated(change)

    def _linear(self, name, x):
        y = x @ self.tensors[name + ".weight"].T
        if name + ".scale" in self.tensors:
            y = y * self.tensors[name + ".scale"]
        return y + self.tensors[name + ".bias"] if name + ".bias" in self.tensors else y

    def _expert_linear(self, name, expert, x):
        y = x @ self.tensors[name + ".weight"][expert].T
        if name + ".scale" in self.tensors:
            scale = self.tensors[name + ".scale"]
            y = y * scale[expert if scale.size > 1 else 0]
        return y + self.tensors[name + ".bias"][expert] if name + ".bias" in self.tensors else y

    def _norm(self, name, x):
        """The norm of that name over the last axis; identity if the file has no such tensor."""
        if name + ".weight" not in self.tensors:
            return x
        y = normalise(x, self.layer_norm, self.eps) * self.tensors[name + ".weight"]
        return y + self.tensors[name + ".bias"] if name + ".bias" in self.tensors else y

    def _act(self, x):
        if self.activation == "silu":
            return x * sigmoid(x)
        if not self.half_gelu:
            return gelu(x)
        rounded = gelu(x.astype(np.float16).astype(np.float64)).astype(np.float16).astype(np.float64)
        return np.where(x <= -10, 0.0, np.where(x >= 10, x, rounded))

    def _norm_heads(self, name, x):
        """QK norm on x of shape (tokens, heads, head_dim)."""
        if name + ".weight" not in self.tensors:
            return x
        weight = self.tensors[name + ".weight"]
        if self.qk_norm == "full":
            flat = x.reshape(len(x), -1)
            return (normalise(flat, False, self.eps) * weight).reshape(x.shape)
        return normalise(x, self.qk_norm == "layer_norm_per_head", self.eps) * weight

    def _rotate(self, x, rope):
        """Rope on x of shape (tokens, heads, head_dim); dimensions from n_rot on are copied."""
        angle, magnitude = rope
        turn = np.outer(np.arange(len(x)), angle)[:, None, :]
        cos = (np.cos(turn) * magnitude).astype(x.dtype)
        sin = (np.sin(turn) * magnitude).astype(x.dtype)
        half = self.n_rot // 2
        first, second = slice(0, half), slice(half, self.n_rot)
        if self.adjacent:
            first, second = slice(0, self.n_rot, 2), slice(1, self.n_rot, 2)
        y = x.copy()
        y[..., first] = x[..., first] * cos - x[..., second] * sin
        y[..., second] = x[..., first] * sin + x[..., second] * cos
        return y

    def _attention(self, il, x, rope):
        part = f"blk.{il}."
        q_width, kv_width = self.heads * self.head_dim, self.kv_heads * self.head_dim
        if part + "attn_qkv.weight" in self.tensors:
            q, k, v = np.split(self._linear(part + "attn_qkv", x), [q_width, q_width + kv_width], axis=1)
        else:
            q, k, v = (self._linear(part + name, x) for name in ("attn_q", "attn_k", "attn_v"))
        n = len(x)
        q = self._norm_heads(part + "attn_q_norm", q.reshape(n, self.heads, self.head_dim))
        k = self._norm_heads(part + "attn_k_norm", k.reshape(n, self.kv_heads, self.head_dim))
        v = v.reshape(n, self.kv_heads, self.head_dim)
        if self.rope_layers[il]:
            q, k = self._rotate(q, rope), self._rotate(k, rope)
        distance = np.arange(n)[:, None] - np.arange(n)[None, :]
        visible = distance >= 0
        if self.windows[il]:
            visible &= distance < self.windows[il]
        group = np.arange(self.heads) // (self.heads // self.kv_heads)
        q, k, v = q.transpose(1, 0, 2), k.transpose(1, 0, 2)[group], v.transpose(1, 0, 2)[group]
        score = q @ k.transpose(0, 2, 1) * self.score_scale
        if self.attention_cap:
            score = self.attention_cap * np.tanh(score / self.attention_cap)
        score = np.where(visible, score, -np.inf)
        top = score.max(axis=-1, keepdims=True)
        sink = 0.0
        if part + "attn_sinks.weight" in self.tensors:
            logit = self.tensors[part + "attn_sinks.weight"][:, None, None]
            top = np.maximum(top, logit)
            sink = np.exp(logit - top)
        weight = np.exp(score - top)
        out = (weight / (weight.sum(axis=-1, keepdims=True) + sink) @ v).transpose(1, 0, 2)
        return self._linear(part + "attn_output", out.reshape(n, q_width))

    def _feed_forward(self, il, x):
        part = f"blk.{il}."
        if part + "ffn_gate_inp.weight" in self.tensors:
            return self._experts(part, x)
        up = self._linear(part + "ffn_up", x)
        if part + "ffn_gate.weight" in self.tensors:
            up = self._act(self._linear(part + "ffn_gate", x)) * up
        elif self.arch == "phi3":
            gate, up = np.split(up, 2, axis=1)
            up = self._act(gate) * up
        else:
            up = self._act(up)
        return self._linear(part + "ffn_down", up)

    def _experts(self, part, x):
        logits = self._linear(part + "ffn_gate_inp", x)
        k = self.experts_used
        order = np.argsort(-logits, axis=1, kind="stable")
        chosen = order[:, :k]
        if k < logits.shape[1]:
            ranked = np.take_along_axis(logits, order, axis=1)
            self.min_router_margin = min(self.min_router_margin, float((ranked[:, k - 1] - ranked[:, k]).min()))
        if self.router == "top_k_first":
            weight = softmax(np.take_along_axis(logits, chosen, axis=1))
        else:
            weight = np.take_along_axis(softmax(logits), chosen, axis=1)
        if self.router == "renormalised":
            weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), 6.103515625e-5)
        out = np.zeros_like(x)
        for slot in range(k):
            for expert in range(logits.shape[1]):
                rows = np.flatnonzero(chosen[:, slot] == expert)
                if len(rows):
                    out[rows] += weight[rows, slot, None] * self._expert(part, expert, x[rows])
        if part + "ffn_up_shexp.weight" in self.tensors:
            shared = self._linear(part + "ffn_down_shexp", self._act(self._linear(part + "ffn_gate_shexp", x)) *
                                  self._linear(part + "ffn_up_shexp", x))
            if part + "ffn_gate_inp_shexp.weight" in self.tensors:
                shared = shared * sigmoid(x @ self.tensors[part + "ffn_gate_inp_shexp.weight"].reshape(-1))[:, None]
            out = out + shared
        return out

    def _expert(self, part, expert, x):
        if part + "ffn_gate_up_exps.weight" in self.tensors:
            gate, up = np.split(self._expert_linear(part + "ffn_gate_up_exps", expert, x), 2, axis=1)
        else:
            gate = self._expert_linear(part + "ffn_gate_exps", expert, x)
            up = self._expert_linear(part + "ffn_up_exps", expert, x)
        if self.gpt_oss_experts:
            gate, up = np.minimum(gate, 7.0), np.clip(up, -7.0, 7.0)
            inner = gate * sigmoid(1.702 * gate) * (up + 1.0)
        else:
            inner = self._act(gate) * up
        return self._expert_linear(part + "ffn_down_exps", expert, inner)

    # --- the whole -------------------------------------------------------------------------------------------------

    def logits(self, tokens, n_ctx):
        """Logits after every token, shape (tokens, vocabulary), for a session opened with a context of n_ctx."""
        x = self.tensors["token_embd.weight"][np.asarray(tokens)] * self.embedding_scale
        x = x.astype(self.tensors["token_embd.weight"].dtype)
        if "position_embd.weight" in self.tensors:
            x = x + self.tensors["position_embd.weight"][:len(tokens)]
        ropes = {is_local: self._rope(is_local, n_ctx) for is_local in (False, True)}
        for il in range(self.layers):
            part = f"blk.{il}."
            normed = self._norm(part + "attn_norm", x)
            heard = self._norm(part + "attn_norm_2", x) if part + "attn_norm_2.weight" in self.tensors else normed
            y = self._attention(il, heard, ropes[self.local[il]])
            if self.parallel:
                x = x + y + self._feed_forward(il, normed)
                continue
            if self.norm2 != "post_attention_norm":
                y = self._norm(part + "post_attention_norm", y)
            x = x + self.residual_scale * y
            y = self._norm(part + "post_ffw_norm", self._feed_forward(il, self._norm(part + self.norm2, x)))
            x = x + self.residual_scale * y
        x = self._norm("output_norm", x)
        out = x @ self.tensors["token_embd.weight"].T if self.tied else self._linear("output", x)
        out = out / self.logit_divisor
        return self.final_cap * np.tanh(out / self.final_cap) if self.final_cap else out


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-np.clip(x, -80, 80)))


def gelu(x):
    return 0.5 * x * (1.0 + np.tanh(0.7978845608 * x * (1.0 + 0.044715 * x * x)))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def normalise(x, subtract_mean, eps):
    if subtract_mean:
        x = x - x.mean(axis=-1, keepdims=True)
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)
