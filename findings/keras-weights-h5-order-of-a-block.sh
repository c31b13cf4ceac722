#!/bin/sh
# Keras 3's .weights.h5 numbers its layers by class, and a ResNet's shortcut is the third convolution of its block there.
#
# Version:   keras 3.15.1, h5py 3.16.0, numpy 2.4.6, jax 0.10.2 (the backend; Python 3.11 on Linux)
# Guess:     model.save_weights("resnet50.weights.h5") has a group a layer, "conv2_block1_1_conv" and so on, as the .h5 of
#            Keras 2 and that of model.save("resnet50.h5") have; a reader that wants our or PyTorch's names renames them.
#            Or, seeing numbers: the four convolutions of a block come as 1, 2, 3 and the shortcut last (PyTorch's order)
#            or first (the order of the names: conv2_block1_0_conv is the shortcut).
# Behaviour: layers are counted by class, "layers/conv2d_3/vars/0", in the order of model.layers, that is by their depth in
#            the graph: 1, 2, 0, 3. In the first block of the network the shortcut and the third convolution have the same
#            shape, (1, 1, 64, 256), and so have their batch norms: whoever exchanges the two gets no error, and a network
#            that computes something else. No group and no array is called by its layer. The name is an attribute, not of
#            the layer's group but of the group "vars" in it, where a listing of the tree does not show it.
# Remedy:    go by the attribute "name" of "vars", else by the layers of a .keras archive's config.json, else by this order;
#            compare outputs, not shapes.
# Output:    earlier .h5: conv1_conv, conv2_block1_1_conv
#            .weights.h5: conv2d, conv2d_1
#            groups and arrays called by a layer: none
#            attributes of layers/conv2d_3: none
#            attribute of layers/conv2d_3/vars: conv2_block1_0_conv
#            order of a block: 1, 2, 0, 3
#            shapes of the third and the fourth: (1, 1, 64, 256) (1, 1, 64, 256)
#
# Exits with 1 when one of the seven lines differs.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 h5py==3.16.0 numpy==2.4.6 jax==0.10.2
cat > "$folder/names.py" <<'CODE'
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
import h5py
import keras

model = keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3))
folder = sys.argv[1]
model.save(f"{folder}/model.h5")
model.save_weights(f"{folder}/model.weights.h5")


def say(what, found, wanted):
    print(f"{what}: {found}")
    if found != wanted:
        sys.exit(1)


with h5py.File(f"{folder}/model.h5") as file:
    names = sorted(name for name in file["model_weights"] if name.endswith("conv"))
    say("earlier .h5", ", ".join([names[0], names[2]]), "conv1_conv, conv2_block1_1_conv")
with h5py.File(f"{folder}/model.weights.h5") as file:
    layers = file["layers"]
    kept = []
    file.visit(kept.append)
    say(".weights.h5", ", ".join(sorted(name for name in layers if name.startswith("conv2d"))[:2]), "conv2d, conv2d_1")
    say("groups and arrays called by a layer", next((name for name in kept if "block" in name), "none"), "none")
    third, fourth = (layers[f"conv2d_{number}/vars/0"] for number in (3, 4))
    say("attributes of layers/conv2d_3", ", ".join(layers["conv2d_3"].attrs) or "none", "none")
    say("attribute of layers/conv2d_3/vars", layers["conv2d_3/vars"].attrs["name"], "conv2_block1_0_conv")
    order = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    say("order of a block", ", ".join(name.split("_")[2] for name in order[1:5]), "1, 2, 0, 3")
    say("shapes of the third and the fourth", f"{third.shape} {fourth.shape}", "(1, 1, 64, 256) (1, 1, 64, 256)")
CODE
"$folder/venv/bin/python" "$folder/names.py" "$folder" 2> "$folder/remarks" || { cat "$folder/remarks" >&2; exit 1; }
