"""Wrong readings of a model: each switches one feature of its architecture off or reads it another way.

A fixture proves a feature only if the wrong reading moves its logits far beyond the tolerance of the tests.
`standard(model)` finds the wrong readings that apply to any model; the model table adds those of a single row.
"""

import math
import re

import numpy as np

# Tensors that a careless loader could leave out without noticing.
OPTIONAL = re.compile(r".*\.(bias|scale)|attn_sinks\.weight|rope_freqs\.weight|ffn_gate_inp_shexp\.weight")


def setting(**values):
    """Attributes of the model set to other values; a list is copied."""
    def change(model):
        for name, value in values.items():
            setattr(model, name, list(value) if isinstance(value, list) else value)
    return change


def without(pattern):
    """Tensors whose name (without blk.N.) matches are taken out."""
    def change(model):
        for name in [name for name in model.tensors if re.fullmatch(pattern, short(name))]:
            del model.tensors[name]
    return change


def replacing(pattern, function):
    """Tensors whose name (without blk.N.) matches become function(tensor)."""
    def change(model):
        for name, tensor in model.tensors.items():
            if re.fullmatch(pattern, short(name)):
                model.tensors[name] = function(tensor)
    return change


def renaming(pairs):
    """Tensors trade names; `pairs` maps an old short name to a new one."""
    def change(model):
        renamed = {}
        for name, tensor in model.tensors.items():
            stem = short(name)
            renamed[name[:len(name) - len(stem)] + pairs.get(stem, stem)] = tensor
        model.tensors = renamed
    return change


def swapping_halves(pattern):
    """Gate rows and up rows of a packed matrix trade places."""
    return replacing(pattern, lambda tensor: np.concatenate(np.split(tensor, 2, axis=-2)[::-1], axis=-2))


def short(name):
    return re.sub(r"^blk\.\d+\.", "", name)


def standard(model):
    """Name -> change, for everything this model has that can be read wrongly."""
    out = {}
    for stem in sorted({short(name) for name in model.tensors}):
        if stem.endswith("norm.weight") or stem.endswith("norm_2.weight"):
            out[f"{stem} ignored"] = replacing(re.escape(stem), np.ones_like)
        elif OPTIONAL.fullmatch(stem):
            out[f"without {stem}"] = without(re.escape(stem))
    out.update(_of_attention(model))
    out.update(_of_rope(model))
    swapped = {"silu": "gelu", "gelu": "silu"}[model.activation]
    if not model.gpt_oss_experts:
        out[f"{swapped} for {model.activation}"] = setting(activation=swapped)
    out["other kind of norm"] = setting(layer_norm=not model.layer_norm)
    if any(name.endswith("ffn_norm.weight") for name in model.tensors) or model.parallel:
        out["sequential" if model.parallel else "parallel"] = setting(parallel=not model.parallel)
    for name, neutral in (("embedding_scale", 1.0), ("residual_scale", 1.0), ("logit_divisor", 1.0),
                          ("attention_cap", 0.0), ("final_cap", 0.0)):
        if getattr(model, name) != neutral:
            out[f"no {name}"] = setting(**{name: neutral})
    if "output.weight" in model.tensors:
        out["own output matrix" if model.tied else "tied output"] = setting(tied=not model.tied)
    if model.experts_used:
        out.update({f"router {kind}": setting(router=kind) for kind in ("renormalised", "plain", "top_k_first")
                    if (kind == "plain") != (model.router == "plain")})
        out["one expert more"] = setting(experts_used=model.experts_used + 1)
        out["one expert fewer"] = setting(experts_used=model.experts_used - 1)
    return out


def _of_attention(model):
    out = {}
    if 0 < max(model.windows) < 64:  # a wider one is never felt by the prompts
        out["no window"] = setting(windows=[0] * model.layers)
        out["window + 1"] = setting(windows=[w + 1 if w else 0 for w in model.windows])
        out["window - 1"] = setting(windows=[w - 1 if w else 0 for w in model.windows])
        out["window on every layer"] = setting(windows=[max(model.windows)] * model.layers)
    plain = 1 / math.sqrt(model.head_dim)
    by_width = 1 / math.sqrt(model.width // model.heads)
    for name, scale in (("1/sqrt(head_dim)", plain), ("1/sqrt(d/H)", by_width)):
        if not math.isclose(scale, model.score_scale):
            out[f"score scale {name}"] = setting(score_scale=scale)
    if "blk.0.attn_q_norm.weight" in model.tensors:
        out["no QK norm"] = without("attn_[qk]_norm.weight")
        if model.qk_norm == "layer_norm_per_head":
            out["RMS as QK norm"] = setting(qk_norm="head")
    if model.qk_norm == "full":
        def per_head(m):
            m.qk_norm = "head"
            for name in list(m.tensors):
                if short(name) in ("attn_q_norm.weight", "attn_k_norm.weight"):
                    m.tensors[name] = m.tensors[name].reshape(-1, m.head_dim)
        out["QK norm per head"] = per_head
    return out


def _of_rope(model):
    if not any(model.rope_layers):
        return {"with rope": setting(rope_layers=[True] * model.layers)}
    out = {"no rope": setting(rope_layers=[False] * model.layers),
           "other rope pairs": setting(adjacent=not model.adjacent)}
    if not all(model.rope_layers):
        out["rope on every layer"] = setting(rope_layers=[True] * model.layers)
    if model.n_rot < model.head_dim and "rope_factors_long.weight" not in model.tensors:
        out["all dimensions rotated"] = setting(n_rot=model.head_dim)
    if model.rope_base != 10000.0:
        out["rope base 10000"] = setting(rope_base=10000.0)
    if any(model.local) and model.local_rope_base != model.rope_base:
        out["one rope base"] = setting(local_rope_base=model.rope_base)
    stretched = model.rope_factor != 1.0 and model.rope_type in ("linear", "yarn")
    if stretched:
        out["no rope factor"] = setting(rope_factor=1.0)
    if stretched and any(model.local):
        out["other stretching of local layers"] = setting(local_rope_plain=not model.local_rope_plain)
    if model.rope_type == "yarn":
        out["linear for yarn"] = setting(rope_type="linear")
        out["yarn without magnitude"] = setting(rope_magnitude=1 / (1 + 0.1 * math.log(model.rope_factor)))
        out["yarn of another context"] = setting(original_context=4 * model.original_context)
    if model.rope_magnitude != 1.0:
        out["no attn_factor"] = setting(rope_magnitude=1.0)
    if "rope_factors_long.weight" in model.tensors:
        out["long and short factors swapped"] = renaming({
            "rope_factors_long.weight": "rope_factors_short.weight",
            "rope_factors_short.weight": "rope_factors_long.weight"})
        out["plain for longrope"] = without("rope_factors_.*")
    return out
